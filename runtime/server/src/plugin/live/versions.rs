//! `tamis plugin versions`: what the history says, a line for each version.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};

use anyhow::Result;
use jiff::Timestamp;

use crate::cli::plugin::live::VersionsArguments;
use crate::exit::{self, Exit, Misuse};
use crate::state::{self, Entry, Event, Past};
use crate::table::{self, Table};

/// How much of a digest tells versions apart.
const DIGITS: usize = 12;

pub(in crate::plugin) fn run(arguments: &VersionsArguments) -> Exit {
    exit::of(entries(arguments).and_then(|entries| print(&entries, arguments.json)))
}

/// The entries that are asked for, oldest first; at least one.
fn entries(arguments: &VersionsArguments) -> Result<Vec<Entry>> {
    let VersionsArguments { of, plugin, .. } = arguments;
    let (pipeline, folder) = (&of.pipeline, super::folder(&of.pipeline, &of.state)?);
    let mut entries = state::read(&folder)?;
    if entries.is_empty() {
        return Err(Misuse(format!(
            "no plugin of pipeline {pipeline} has a history in {}; name the state folder of the process that runs it with --state DIR",
            folder.display()
        ))
        .into());
    }
    if let Some(plugin) = plugin {
        let named: BTreeSet<_> = entries.iter().map(|entry| entry.plugin.clone()).collect();
        entries.retain(|entry| entry.plugin == *plugin);
        if entries.is_empty() {
            let named = Vec::from_iter(named).join(", ");
            return Err(Misuse(format!(
                "no plugin {plugin} of pipeline {pipeline} has a history; these have: {named}"
            ))
            .into());
        }
    }
    Ok(entries)
}

fn print(entries: &[Entry], json: bool) -> Result<Exit> {
    let stdout = io::stdout();
    let width = table::width(&stdout);
    let mut output = BufWriter::new(stdout.lock());
    let printed = if json {
        let mut lines = entries.iter();
        lines.try_for_each(|entry| writeln!(output, "{}", serde_json::to_string(entry)?))
    } else {
        list(entries, &mut output, width)
    };
    match printed.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        // A reader that went away early (`| head`) is no failure.
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

/// Each version with the last that was noted of it; plugins by their names, the latest version first.
fn list(entries: &[Entry], output: impl Write, width: Option<usize>) -> io::Result<()> {
    let head = ["PLUGIN", "VERSION", "SHA-256", "SINCE", "STATE"];
    let mut table = Table::new(output, width, head);
    let plugins: BTreeSet<_> = entries.iter().map(|entry| &*entry.plugin).collect();
    for plugin in plugins {
        let (past, mut seen) = (Past::of(entries, plugin), BTreeSet::new());
        let of_plugin = entries.iter().rev().filter(|entry| entry.plugin == plugin);
        for entry in of_plugin.filter(|entry| seen.insert(&*entry.sha256)) {
            let (digits, since) = (entry.sha256.get(..DIGITS), since(entry));
            let digits = digits.unwrap_or(&entry.sha256);
            table.add([plugin, &entry.semver, digits, &since, &state(entry, &past)])?;
        }
    }
    table.flush()
}

fn since(entry: &Entry) -> String {
    let at = i64::try_from(entry.at_ms).map(|at_ms| Timestamp::from_second(at_ms / 1_000));
    match at {
        Ok(Ok(at)) => at.to_string(),
        Ok(Err(_)) | Err(_) => "-".to_owned(),
    }
}

/// What is with the version of `entry`, the last one that there is of it.
fn state(entry: &Entry, past: &Past<'_>) -> String {
    let is = |other: Option<&Entry>| other.is_some_and(|other| other.sha256 == entry.sha256);
    let standing = match entry.event {
        _ if is(past.running()) => "runs",
        _ if is(past.before()) => "ran before, a rollback goes here",
        Event::Refused => "refused",
        Event::Shadowed => "waits for a person",
        Event::OnProbation => "on probation",
        Event::Promoted => "ran",
        Event::RolledBack => "taken back",
        Event::Removed => "removed",
    };
    match &entry.reason {
        Some(reason) => format!("{standing}: {reason}"),
        None => standing.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_a_line_with_the_last_that_was_noted_of_it() {
        let history = include_str!("../../state/tests/history-1.jsonl");
        let entries: Vec<Entry> = history
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut output = Vec::new();
        list(&entries, &mut output, None).unwrap();
        let expected = "\
PLUGIN  VERSION  SHA-256       SINCE                 STATE
level   1.0.0    84d89877f0d4  2023-01-18T00:00:06Z  removed
mask    0.2.1    3f785f0cd2d8  2023-01-18T00:00:05Z  taken back: asked for
mask    0.2.0    486ea46224d1  2023-01-18T00:00:01Z  refused: the settings are refused: fields: missing
mask    0.1.0    2cf24dba5fb0  2023-01-18T00:00:00Z  runs
parse   1.0.0    84d89877f0d4  2023-01-18T00:00:07Z  runs
";
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }
}
