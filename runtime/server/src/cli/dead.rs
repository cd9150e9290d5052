//! The command line of `tamis dead`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::StateOption;

pub(crate) const AFTER_HELP: &str = "\
Examples:
  tamis dead list pipeline.yaml --summary          how many, by stage and reason
  tamis dead show pipeline.yaml ID                 all that one of them holds
  tamis dead replay pipeline.yaml --stage mask     once the plugin or the store is mended

They are read where the configuration says that they go: from the topic, the folder, or both.";

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters
    List(ListArguments),
    /// Show all that a dead letter holds
    Show(ShowArguments),
    /// Send dead letters once more to the stage or sink that refused them
    Replay(ReplayArguments),
}

/// Which dead letters.
#[derive(Debug, Default, Args)]
pub(crate) struct SelectArguments {
    /// Only those of this plugin or sink (or `router`)
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// Only those whose reason contains this, in capitals or not
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Only those of records of this topic
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// Only those of records of the partition with this number
    #[arg(long, value_name = "N")]
    pub(crate) partition: Option<i32>,
    /// Only those of records with these offsets: 42, or 42..50 without the 50, 42.., ..50
    #[arg(long, value_name = "RANGE", value_parser = offsets)]
    pub(crate) offsets: Option<Offsets>,
    /// Only those of records of this time or later: 2023-01-18, 2023-01-18T04:05:06Z; without a zone it is UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only those of records before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Also those that were replayed
    #[arg(long)]
    pub(crate) all: bool,
    /// Those that were parked while the store of this sink was away, instead of dead letters
    #[arg(long, value_name = "SINK")]
    pub(crate) parked: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis dead list pipeline.yaml --since 2023-01-18
  tamis dead list pipeline.yaml --stage archive --reason \"line feed\" --limit 20
  tamis dead list pipeline.yaml --summary
  tamis dead list pipeline.yaml --topic msproject_log --partition 0 --offsets 42..50
  tamis dead list pipeline.yaml --json | jq -r .id

Exit code 1 says that something in the store could not be read; all else is listed.")]
pub(crate) struct ListArguments {
    /// Configuration of the pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) select: SelectArguments,
    /// Count by stage and reason instead
    #[arg(long)]
    pub(crate) summary: bool,
    /// Print one JSON object for each
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis dead show pipeline.yaml cluster/msproject_log/0/42/0
  tamis dead show pipeline.yaml cluster/msproject_log/0/42/0 --stage mask --raw > value.json")]
pub(crate) struct ShowArguments {
    /// Configuration of the pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The id, as `tamis dead list` shows it
    pub(crate) id: String,
    /// The plugin or sink, where several have refused it
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// Print the bytes of its value, and nothing else
    #[arg(long)]
    pub(crate) raw: bool,
    /// Also if it was replayed
    #[arg(long)]
    pub(crate) all: bool,
    /// One that was parked while the store of this sink was away
    #[arg(long, value_name = "SINK")]
    pub(crate) parked: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis dead replay pipeline.yaml --dry-run
  tamis dead replay pipeline.yaml --stage archive --yes
  tamis dead replay pipeline.yaml --parked search --yes
  tamis dead replay pipeline.yaml --id cluster/msproject_log/0/42/0 --yes --json

A letter holds the record as it was read. It takes the whole way again, under the same id, and goes on only in the stage or
sink that refused it: its siblings were written. What is refused again is a dead letter again. The pipeline may run meanwhile.

Exit codes:
  0  each of the letters was replayed and taken
  1  some were refused again or left alone, or something failed; the last lines say which and why
  2  the command line or the configuration is wrong; nothing was sent
  3  stopped before the end; what was not replayed is still there")]
pub(crate) struct ReplayArguments {
    /// Configuration of the pipeline
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only these; may be given more than once
    #[arg(long = "id", value_name = "ID")]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) select: SelectArguments,
    /// Say what would be sent where, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) state: StateOption,
}

/// The first offset, and the one behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) start: u64,
    pub(crate) next: u64,
}

fn offsets(text: &str) -> Result<Offsets, String> {
    let number = |text: &str, open: u64| match text {
        "" => Ok(open),
        text => text.parse::<u64>(),
    };
    let range = match text.split_once("..") {
        None => text.parse().map(|start: u64| Offsets {
            start,
            next: start.saturating_add(1),
        }),
        Some((start, next)) => number(start, 0).and_then(|start| {
            let next = number(next, u64::MAX)?;
            Ok(Offsets { start, next })
        }),
    };
    let range = range.ok().filter(|range| range.start < range.next);
    range.ok_or_else(|| "expected offsets such as 42, 42..50, 42.. or ..50".to_owned())
}

/// A time as the command line has it.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local = text.parse::<DateTime>();
    let local = local.or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    let zoned = local.and_then(|local| local.to_zoned(TimeZone::UTC));
    let expected = "expected a time such as 2023-01-18 or 2023-01-18T04:05:06Z";
    Ok(zoned.map_err(|_| expected)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_one_or_a_range_without_its_end() {
        let check = |text: &str, expected: Option<(u64, u64)>| {
            let found = offsets(text).ok();
            let found = found.map(|range| (range.start, range.next));
            assert_eq!(found, expected, "{text}");
        };
        check("42", Some((42, 43)));
        check("42..50", Some((42, 50)));
        check("42..", Some((42, u64::MAX)));
        check("..50", Some((0, 50)));
        check("50..42", None);
        check("42..42", None);
        check("-1", None);
        check("", None);
        check("a..b", None);
    }

    #[test]
    fn a_time_is_a_date_or_an_instant() {
        let check = |text: &str, expected: Option<&str>| {
            let found = time(text).ok().map(|time| time.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("2023-01-18", Some("2023-01-18T00:00:00Z"));
        check("2023-01-18T04:05", Some("2023-01-18T04:05:00Z"));
        check("2023-01-18T04:05:06Z", Some("2023-01-18T04:05:06Z"));
        check("2023-01-18T04:05:06+08:00", Some("2023-01-17T20:05:06Z"));
        check("yesterday", None);
        check("", None);
    }
}
