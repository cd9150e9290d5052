//! The side that asks.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};

use anyhow::Result;

use super::{Filter, Line, Progress, Wanted, side};
use crate::cli::tap::TapArguments;
use crate::control::client::AskError;
use crate::control::{Ended, Request};
use crate::exit::{self, Exit};
use crate::plugin::live::Live;
use crate::run::{Signals, runtime};
use crate::table;

/// Columns where there is no terminal that has some.
const COLUMNS: usize = 120;

pub(crate) fn run(arguments: &TapArguments) -> Exit {
    exit::of(tap(arguments))
}

fn tap(arguments: &TapArguments) -> Result<Exit> {
    let live = Live::of(&arguments.of.pipeline, &arguments.of.state)?;
    let request = Request::Tap(Wanted {
        plugin: arguments.plugin.clone(),
        fates: arguments.fate.clone(),
        filter: arguments.filter.as_deref().map(Filter::of),
        rate: arguments.rate,
    });
    let mut screen = Screen::new(arguments);
    let asked = runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            asked = live.try_ask(&request, |line| screen.show(line)) => anyhow::Ok(Some(asked)),
            () = signals.next() => Ok(None),
        }
    })?;
    screen.close();
    match asked {
        None => Ok(Exit::Done),
        Some(Err(AskError::Io(_))) if screen.is_done => Ok(Exit::Done),
        Some(Err(error)) => Err(live.explain(error)),
        Some(Ok(Ended { said, .. })) => {
            eprintln!("{}", crate::dead::plain(&said));
            Ok(Exit::Failed)
        }
    }
}

/// Where records are shown.
struct Screen {
    /// As they come.
    json: bool,
    has_colour: bool,
    left: Option<u64>,
    /// It has shown as many as were asked for, or its reader has seen enough.
    is_done: bool,
    plugin: String,
    progress: Progress,
    /// Records that were lost when that was said last.
    said_lost: u64,
}

impl Screen {
    fn new(arguments: &TapArguments) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        Self {
            json: arguments.json,
            has_colour: io::stdout().is_terminal() && !no_colour,
            left: arguments.count,
            is_done: false,
            plugin: arguments.plugin.clone().unwrap_or_default(),
            progress: Progress::default(),
            said_lost: 0,
        }
    }

    /// Shows what `line` says. Fails once no more is wanted, too.
    fn show(&mut self, line: &str) -> io::Result<()> {
        let shown = self.write(line);
        let is_over = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
        self.is_done = shown.as_ref().is_err_and(is_over);
        shown
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        // A later version may say more.
        let Ok(parsed) = serde_json::from_str::<Line>(line) else {
            return Ok(());
        };
        let shown = match parsed {
            Line::Looked(progress) => {
                self.progress = progress;
                self.tell_lost();
                return Ok(());
            }
            Line::Record(shown) => shown,
        };
        let stdout = io::stdout();
        // A terminal may have become another size.
        let columns = table::width(&stdout).unwrap_or(COLUMNS);
        let mut output = BufWriter::new(stdout.lock());
        if self.json {
            writeln!(output, "{line}")?;
        } else {
            let lines = side::by_side(&shown, &self.plugin, columns, self.has_colour);
            lines
                .iter()
                .try_for_each(|line| writeln!(output, "{line}"))?;
        }
        output.flush()?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }

    fn tell_lost(&mut self) {
        let lost = self.progress.lost;
        if lost > self.said_lost {
            let more = lost - self.said_lost;
            eprintln!("{more} records were not shown: this terminal does not keep up");
            self.said_lost = lost;
        }
    }

    /// Says how much was seen, where a person watched.
    fn close(&self) {
        let Progress {
            passed, looked_at, ..
        } = self.progress;
        if !self.json {
            eprintln!("{passed} records passed, {looked_at} were looked at");
        }
    }
}
