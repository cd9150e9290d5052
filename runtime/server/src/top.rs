//! `tamis top`: pipelines that run, as a table that lives.

mod follow;
mod page;
mod pressure;
mod rates;
mod screen;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use self::follow::{Follower, Seen};
use self::page::{Order, Page};
use crate::cli::top::TopArguments;
use crate::exit::{self, Exit, Misuse};
use crate::plugin::live::Live;
use crate::run::runtime;
use crate::table;

/// Pipelines that are looked at; where there are more, some have to be named.
const PIPELINES_MAX: usize = 64;
/// Columns where there is no terminal that has some.
const COLUMNS: usize = 100;

pub(crate) fn run(arguments: &TopArguments) -> Exit {
    exit::of(top(arguments))
}

fn top(arguments: &TopArguments) -> Result<Exit> {
    let every = Duration::from_secs(arguments.interval);
    let all = lives(arguments)?;
    if arguments.once {
        return once(all, every);
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(
            Misuse("this is no terminal; `tamis top --once` prints one table".into()).into(),
        );
    }
    screen::run(&runtime()?, all, every).context("the terminal")
}

/// One page as text, with the rates of the time between two looks.
fn once(all: Vec<Live>, every: Duration) -> Result<Exit> {
    let seen = runtime()?.block_on(async {
        let mut looks = JoinSet::new();
        for (index, live) in all.into_iter().enumerate() {
            looks.spawn(async move {
                let mut follower = Follower::new(live);
                follower.look().await;
                tokio::time::sleep(every).await;
                follower.look().await;
                (index, follower.seen())
            });
        }
        let mut seen = looks.join_all().await;
        seen.sort_by_key(|(index, _)| *index);
        seen.into_iter().map(|(_, seen)| seen).collect::<Vec<_>>()
    });
    if let [
        Seen {
            gone: Some(why), ..
        },
    ] = &seen[..]
    {
        return Err(Misuse(why.clone()).into());
    }
    let mut pages = Page {
        columns: table::width(&io::stdout()).unwrap_or(COLUMNS),
        ..Page::default()
    };
    let order = Order::Name;
    let mut text = plain(&pages.pipelines(&seen, order));
    for (index, seen) in seen.iter().enumerate() {
        pages.chosen = index;
        text.push('\n');
        text.push_str(&plain(&pages.pipeline(seen)));
    }
    Ok(crate::print(&text))
}

fn plain(lines: &[page::Line]) -> String {
    lines
        .iter()
        .map(|line| format!("{}\n", line.text.trim_end()))
        .collect()
}

/// The pipelines that are named, or those that have a socket in the state folder; whoever died has left one, too.
fn lives(arguments: &TopArguments) -> Result<Vec<Live>> {
    let TopArguments {
        pipelines, state, ..
    } = arguments;
    let lives: Vec<Live> = if pipelines.is_empty() {
        let mut all = Live::all(state)?;
        all.retain(Live::has_socket);
        all
    } else {
        let named = pipelines.iter().map(|name| Live::of(name, state));
        named.collect::<Result<_>>()?
    };
    match lives.len() {
        0 => Err(Misuse(
            "no pipeline runs by the state folder; name that of its process with --state DIR"
                .into(),
        )
        .into()),
        1..=PIPELINES_MAX => Ok(lives),
        count => Err(Misuse(format!(
            "{count} pipelines are too many for one table; name up to {PIPELINES_MAX} of them"
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests;
