//! `tamis dead list`.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;

use anyhow::Result;
use serde_json::{Value, json};
use tamis_config::PluginFiles;
use tamis_connect::dead::read::{DeadStore, open};
use tamis_connect::halt::Halt;

use super::pass::{self, Seen};
use super::select::Select;
use super::summary::Counts;
use crate::cli::dead::ListArguments;
use crate::exit::{self, Exit};
use crate::table::{self, Table};
use crate::wiring;

pub(crate) fn run(arguments: &ListArguments) -> Exit {
    let Some(spec) = super::load(&arguments.file, PluginFiles::MayBeMissing) else {
        return Exit::Usage;
    };
    let Some(letters) = super::stores(&spec, arguments.select.parked.as_deref()) else {
        return Exit::Usage;
    };
    let stores = open(letters, wiring::owner(&spec), &Halt::default());
    let listed = stores
        .map_err(Into::into)
        .and_then(|stores| list(arguments, &stores));
    match listed {
        Ok(0) => Exit::Done,
        Ok(unreadable) => {
            eprintln!("{unreadable} could not be read");
            Exit::Failed
        }
        // A reader that went away early (`| head`) is no failure.
        Err(error) if is_broken_pipe(&error) => Exit::Done,
        Err(error) => exit::failed(&error),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn list(arguments: &ListArguments, stores: &[DeadStore]) -> Result<u64> {
    let select = Select::new(&arguments.select, &[]);
    let stdout = io::stdout();
    let width = table::width(&stdout);
    let mut output = BufWriter::new(stdout.lock());
    let unreadable = match (arguments.summary, arguments.json) {
        (true, json) => {
            let mut counts = Counts::default();
            let unreadable = each(stores, &select, |seen| {
                counts.add(&seen.letter);
                Ok(())
            })?;
            if json {
                counts.print_json(&mut output)?;
            } else {
                counts.print(&mut output)?;
            }
            unreadable
        }
        (false, true) => each(stores, &select, |seen| {
            writeln!(output, "{}", object(&seen, stores))
        })?,
        (false, false) => {
            let head = ["ID", "TIME", "STAGE", "REASON"];
            let mut table = Table::new(&mut output, width, head);
            let unreadable = each(stores, &select, |seen| {
                let (letter, stage) = (&seen.letter, stage(&seen));
                let time = letter.time.as_deref().unwrap_or("-");
                table.add([&letter.id, time, &stage, &letter.reason])
            })?;
            table.flush()?;
            unreadable
        }
    };
    output.flush()?;
    Ok(unreadable)
}

/// Hands each letter to `take` once, whatever copies there are, and no more than are wanted.
fn each(
    stores: &[DeadStore],
    select: &Select,
    mut take: impl FnMut(Seen) -> io::Result<()>,
) -> Result<u64> {
    let mut left = select.limit;
    pass::each(stores, select, |seen| {
        if seen.is_copy {
            return Ok(ControlFlow::Continue(()));
        }
        if left == 0 {
            return Ok(ControlFlow::Break(()));
        }
        left -= 1;
        take(seen)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// Who refused a letter, with a word about a replay.
fn stage(seen: &Seen) -> String {
    let (stage, version) = (&seen.letter.stage, &seen.letter.stage_version);
    let replayed = if seen.replayed.is_some() {
        " (replayed)"
    } else {
        ""
    };
    format!("{stage} {version}").trim_end().to_owned() + replayed
}

/// A letter for a script: as in a folder, with where it lies.
fn object(seen: &Seen, stores: &[DeadStore]) -> Value {
    let mut object = json!(seen.letter);
    object["store"] = json!(stores[seen.store].name());
    object["place"] = json!(seen.place);
    object["replayed"] = json!(seen.replayed.map(|when| when.to_string()));
    object
}
