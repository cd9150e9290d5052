//! The command line of `tamis plugin replay`.

use std::path::PathBuf;

use clap::Args;
use tamis_connect::excerpt::Bound;

use crate::cli::StateOption;
use crate::cli::dead::time;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin replay msproject.yaml mask mask.wasm                      the last 10,000 records
  tamis plugin replay msproject.yaml mask mask.wasm --from 2023-01-18 --to 2023-01-19
  tamis plugin replay msproject.yaml mask mask.wasm --partition 3 --from 120000 --records 50000
  tamis plugin replay msproject.yaml mask mask.wasm --settings new.yaml  with other settings, too
  tamis plugin replay msproject.yaml mask mask.wasm --json | jq .changes

Records are read as they lie in the topic, whether the pipeline runs or not: by no member of its group. Nothing is written
and nothing committed. They take the way of the pipeline up to the plugin once; from there on two ways, with the version that runs
(or --old FILE) and with the new one, through all plugins behind it, to the end. Where both ends are not the same, that is a
difference. A record that a version fails on is refused by it, as in the pipeline. Times and memory are those of the plugin alone.

The version that runs is known from the state folder; without one it is the file that the configuration names.
Ctrl-C ends it with what was seen so far, and once more at once.

Exit codes:
  0  both did the same to all records
  1  something was decided otherwise, a version was given up, or reading failed; the last lines say which
  2  the command line, the configuration or a plugin is not in order, or there is no such record
  3  stopped before the end; both did the same so far")]
pub(crate) struct ReplayArguments {
    /// Configuration of the pipeline
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,
    /// The name of the plugin in the pipeline
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// The wasm file of the new version
    #[arg(value_name = "FILE")]
    pub(crate) new: PathBuf,
    /// A YAML file with the settings of the new version; those of the configuration unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// The wasm file to compare with; the version that runs unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) old: Option<PathBuf>,
    /// Only this topic, or file
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// Only the partition with this number
    #[arg(long, value_name = "N")]
    pub(crate) partition: Option<i32>,
    /// Where to begin in each partition: at an offset (of a file, a byte), or a time: 2023-01-18, 2023-01-18T04:05:06Z;
    /// without a zone it is UTC
    #[arg(long, value_name = "OFFSET|TIME", value_parser = bound)]
    pub(crate) from: Option<Bound>,
    /// Where to end, without what lies there; at the present end unless given
    #[arg(long, value_name = "OFFSET|TIME", value_parser = bound)]
    pub(crate) to: Option<Bound>,
    /// At most so many records, shared by the partitions: the first ones, or without --from the last ones (of files the
    /// first) [default: all, or without --from 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) records: Option<u64>,
    /// How many differences are shown
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(..=10_000))]
    pub(crate) differences: u16,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) state: StateOption,
}

fn bound(text: &str) -> Result<Bound, String> {
    if let Ok(offset) = text.parse() {
        return Ok(Bound::Offset(offset));
    }
    let found = time(text).map(|time| Bound::Time(time.as_millisecond()));
    found.map_err(|_| {
        "expected an offset such as 42, or a time such as 2023-01-18T04:05:06Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_an_offset_or_a_time() {
        let check = |text: &str, expected: Option<Bound>| {
            assert_eq!(bound(text).ok(), expected, "{text}");
        };
        check("42", Some(Bound::Offset(42)));
        check("2023-01-18", Some(Bound::Time(1_674_000_000_000)));
        check("1970-01-01T00:00:01.5Z", Some(Bound::Time(1_500)));
        check("-1", None);
        check("soon", None);
    }
}
