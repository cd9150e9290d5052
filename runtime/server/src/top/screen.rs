//! The terminal: what is drawn on it, and what its keys do.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::style::Style;
use ratatui::text::{Line as Drawn, Text};
use ratatui::{DefaultTerminal, Frame};
use tamis_core::snapshot::State;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::follow::{Follower, Seen};
use super::page::{Line, Look, Order, Page};
use crate::control::Request;
use crate::exit::Exit;
use crate::plugin::live::Live;
use crate::run::Signals;

/// News that wait to be drawn.
const NEWS_MAX: usize = 64;
/// How long a key is waited for before news are looked at.
const KEY_WAIT: Duration = Duration::from_millis(50);

/// What is heard from elsewhere.
enum News {
    /// A look at a pipeline; in the order of their names on the command line.
    Seen(usize, Box<Seen>),
    /// What came of a key.
    Said(String),
    /// A signal to end.
    End,
}

/// Shows `all` until someone ends it.
pub(super) fn run(runtime: &Runtime, all: Vec<Live>, every: Duration) -> Result<Exit> {
    let (to, mut news) = mpsc::channel(NEWS_MAX);
    let mut screen = Screen {
        seen: BTreeMap::new(),
        lives: all.clone(),
        chosen: 0,
        order: Order::Name,
        said: String::new(),
        to: to.clone(),
    };
    for (index, live) in all.into_iter().enumerate() {
        let seen = Follower::new(live.clone()).seen();
        screen.seen.insert(index, seen);
        runtime.spawn(follow(index, live, every, to.clone()));
    }
    let mut signals = runtime.block_on(async { Signals::new() })?;
    runtime.spawn(async move {
        signals.next().await;
        // Who would hear it has ended by itself.
        let _gone = to.send(News::End).await;
    });
    // It restores the terminal when the program panics, too.
    let mut terminal = ratatui::try_init()?;
    let _restores = Restores;
    screen.attend(runtime, &mut terminal, &mut news)?;
    Ok(Exit::Done)
}

/// Gives the terminal back as it was.
struct Restores;

impl Drop for Restores {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn follow(index: usize, live: Live, every: Duration, to: mpsc::Sender<News>) {
    let mut follower = Follower::new(live);
    loop {
        follower.look().await;
        let seen = Box::new(follower.seen());
        if to.send(News::Seen(index, seen)).await.is_err() {
            return;
        }
        sleep(every).await;
    }
}

struct Screen {
    seen: BTreeMap<usize, Seen>,
    lives: Vec<Live>,
    /// By its place in the list as it is sorted.
    chosen: usize,
    order: Order,
    /// What came of the last key.
    said: String,
    to: mpsc::Sender<News>,
}

impl Screen {
    fn attend(
        &mut self,
        runtime: &Runtime,
        terminal: &mut DefaultTerminal,
        news: &mut mpsc::Receiver<News>,
    ) -> Result<()> {
        let mut is_new = true;
        loop {
            while let Ok(heard) = news.try_recv() {
                is_new = true;
                match heard {
                    News::Seen(index, seen) => drop(self.seen.insert(index, *seen)),
                    News::Said(said) => self.said = said,
                    News::End => return Ok(()),
                }
            }
            if is_new {
                terminal.draw(|frame| self.draw(frame))?;
                is_new = false;
            }
            if event::poll(KEY_WAIT)? {
                is_new = true;
                if let Event::Key(key) = event::read()?
                    && key.kind == KeyEventKind::Press
                    && self.obey(key, runtime)
                {
                    return Ok(());
                }
            }
        }
    }

    /// All that was seen, as it is sorted.
    fn sorted(&self) -> Vec<Seen> {
        let mut sorted: Vec<_> = self.seen.values().cloned().collect();
        self.order.sort(&mut sorted);
        sorted
    }

    /// Does what a key means; whether that is the end.
    fn obey(&mut self, key: KeyEvent, runtime: &Runtime) -> bool {
        self.said.clear();
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('c') if is_control => return true,
            KeyCode::Up | KeyCode::Char('k') => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                self.chosen = (self.chosen + 1).min(self.seen.len().saturating_sub(1));
            }
            KeyCode::Char('s') => {
                let chosen = self.sorted().get(self.chosen).map(|it| it.name.clone());
                self.order = self.order.next();
                let place = |it: &Seen| Some(&it.name) == chosen.as_ref();
                self.chosen = self.sorted().iter().position(place).unwrap_or_default();
            }
            KeyCode::Char('p') => self.pause(runtime),
            _ => {}
        }
        false
    }

    /// Pauses the pipeline that is chosen, or resumes it.
    fn pause(&mut self, runtime: &Runtime) {
        let sorted = self.sorted();
        let Some(seen) = sorted.get(self.chosen) else {
            return;
        };
        let Some(live) = self
            .lives
            .iter()
            .find(|it| it.pipeline == seen.name)
            .cloned()
        else {
            return;
        };
        let state = seen.now.as_ref().map(|it| it.snapshot.state);
        let request = match state {
            Some(State::Paused | State::Pausing) => Request::Resume,
            _ => Request::Pause,
        };
        let to = self.to.clone();
        runtime.spawn(async move {
            let said = match live.ask(&request, |_| Ok(())).await {
                Ok(ended) => ended.said,
                Err(error) => format!("{error:#}"),
            };
            // Who would read it has gone.
            let _gone = to.send(News::Said(said)).await;
        });
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let page = Page {
            columns: usize::from(area.width),
            chosen: self.chosen,
        };
        let sorted = self.sorted();
        let mut lines = page.pipelines(&sorted, self.order);
        lines.push(page.line(String::new(), Look::Plain));
        if let Some(seen) = sorted.get(self.chosen) {
            lines.extend(page.pipeline(seen));
        }
        let height = usize::from(area.height);
        // The last line is for keys, and what came of them.
        lines.truncate(height.saturating_sub(1));
        lines.resize_with(height.saturating_sub(1), || {
            page.line(String::new(), Look::Plain)
        });
        let keys = format!(
            " q quit  p pause/resume  arrows choose  s sort: {}  {}",
            self.order.word(),
            crate::dead::plain(&self.said)
        );
        lines.push(page.line(keys, Look::Head));
        let drawn: Vec<_> = lines.into_iter().map(drawn).collect();
        frame.render_widget(Text::from(drawn), area);
    }
}

fn drawn(Line { text, look }: Line) -> Drawn<'static> {
    let style = match look {
        Look::Plain => Style::new(),
        Look::Head => Style::new().bold(),
        Look::Chosen => Style::new().reversed(),
        Look::Bad => Style::new().red(),
    };
    Drawn::styled(text, style)
}
