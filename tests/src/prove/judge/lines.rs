//! Lines in files or in a topic: each once, and in order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use super::super::options::Sink;
use super::super::stage::{FOLDER_KEY, OUTPUT, Stage, TOPIC};
use super::{Judgement, parse_id};
use crate::data::{Expected, lines};
use crate::files::{by_folder, difference, range, staged, visible};
use crate::kafka::Committed;

/// How many pairs of files are named that hold the same records.
const OVERLAPS_NAMED: usize = 5;

/// Lines by folder and partition; a topic has no folders.
type Lines = BTreeMap<(String, String), Vec<u8>>;

impl Judgement {
    /// Compares what is in the files, or in the topic, with what must be.
    pub(super) fn lines(&mut self, stage: &Stage<'_>, expected: &Expected) {
        let (mut written, wanted) = if stage.options.sink == Sink::Kafka {
            let written = self.topic(&stage.kafka.read_committed(OUTPUT));
            (written, wanted(expected, |_| String::new()))
        } else {
            let left = staged(&stage.place.out());
            if !left.is_empty() {
                let (count, first) = (left.len(), &left[0]);
                self.problem(format!("{count} files are left in staging: {first} …"));
            }
            self.overlaps(&visible(&stage.place.out()));
            (by_folder(&stage.place.out()), wanted(expected, folder))
        };
        for (place, expected) in &wanted {
            let actual = written.remove(place).unwrap_or_default();
            let (folder, partition) = place;
            self.compare(&format!("{folder}/{partition}"), &actual, expected);
        }
        for ((folder, partition), lines) in &written {
            self.compare(&format!("{folder}/{partition}"), lines, &[]);
        }
    }

    /// Names the files of a partition that hold the same offsets; `files` are sorted by name.
    fn overlaps(&mut self, files: &[PathBuf]) {
        let overlaps = |pair: &&[PathBuf]| {
            let ((of, .., next), (of_second, start, _)) = (range(&pair[0]), range(&pair[1]));
            let are_beside = pair[0].parent() == pair[1].parent();
            are_beside && of == of_second && start < next
        };
        let pairs: Vec<_> = files.windows(2).filter(overlaps).collect();
        for pair in pairs.iter().take(OVERLAPS_NAMED) {
            let [first, second] = [&pair[0], &pair[1]].map(|path| path.display());
            self.problem(format!("{first} and {second} overlap"));
        }
        if pairs.len() > OVERLAPS_NAMED {
            self.problem(format!("{} pairs of files overlap in all", pairs.len()));
        }
    }

    /// Counts lines, then compares bytes: once, and in order.
    fn compare(&mut self, name: &str, actual: &[u8], expected: &[u8]) {
        let mut counts: HashMap<&[u8], i64> = HashMap::new();
        lines(expected).for_each(|line| *counts.entry(line).or_default() -= 1);
        lines(actual).for_each(|line| *counts.entry(line).or_default() += 1);
        let sum = |counts: &mut dyn Iterator<Item = i64>| {
            usize::try_from(counts.sum::<i64>()).expect("a sum of what is above zero")
        };
        let doubled = sum(&mut counts.values().copied().filter(|count| *count > 0));
        let lost = sum(&mut counts.values().filter(|count| **count < 0).map(|it| -it));
        self.doubled += doubled;
        self.lost += lost;
        if let Some(difference) = difference(name, actual, expected) {
            self.problem(format!(
                "{doubled} lines too many, {lost} too few; {difference}"
            ));
        }
    }

    /// The values of `records`, by the partition that they were read from. Within each partition that they were written to, those
    /// of one input partition must come in its order; of a record that is there again the first one counts.
    fn topic(&mut self, records: &[Committed]) -> Lines {
        let mut outputs: BTreeMap<(String, u64, u32), Vec<&[u8]>> = BTreeMap::new();
        let mut last: HashMap<(i32, String), (u64, u32)> = HashMap::new();
        let mut seen = HashSet::new();
        for Committed {
            partition,
            id,
            value,
        } in records
        {
            let Some((of, offset, number)) = parse_id(id) else {
                self.problem(format!("{id:?} is no id"));
                continue;
            };
            if seen.insert(id) {
                let before = last.insert((*partition, of.clone()), (offset, number));
                if let Some(before) = before.filter(|before| *before > (offset, number)) {
                    self.problem(format!(
                        "{id} comes behind {before:?} in partition {partition}"
                    ));
                }
            }
            outputs.entry((of, offset, number)).or_default().push(value);
        }
        let mut partitions = Lines::new();
        for ((name, ..), values) in outputs {
            let text = partitions.entry((String::new(), name)).or_default();
            for value in values {
                text.extend_from_slice(value);
                text.push(b'\n');
            }
        }
        partitions
    }
}

/// The lines that must be in each folder of each partition, in order.
fn wanted(expected: &Expected, folder: impl Fn(&[u8]) -> String) -> Lines {
    let mut wanted = Lines::new();
    for (number, text) in expected.written.iter().enumerate() {
        for line in lines(text) {
            let place = (folder(line), format!("{TOPIC}-{number}"));
            let text = wanted.entry(place).or_default();
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
    wanted
}

/// The folder of a line: the topic, and the text of one of its fields. What Tamis would have to escape does not occur in it.
fn folder(line: &[u8]) -> String {
    let value: Value = serde_json::from_slice(line).expect("what is written is JSON");
    let text = match &value[FOLDER_KEY] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is_so) => is_so.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let is_special = |char: char| char.is_control() || "/\\%".contains(char);
    assert!(
        !text.contains(is_special) && !text.starts_with('.'),
        "{text:?}"
    );
    let text = if text.is_empty() { "none" } else { &text };
    format!("{TOPIC}/{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: &str, expected: &str, doubled: usize, lost: usize) {
        let mut judgement = Judgement::default();
        judgement.compare("logs-0", actual.as_bytes(), expected.as_bytes());
        assert_eq!((judgement.doubled, judgement.lost), (doubled, lost));
        assert_eq!(judgement.problems.is_empty(), actual == expected);
    }

    #[test]
    fn doubled_lost_and_misplaced_lines_are_found() {
        check("a\nb\n", "a\nb\n", 0, 0);
        check("a\nb\na\nb\n", "a\nb\n", 2, 0);
        check("b\n", "a\nb\n", 0, 1);
        check("a\na\n", "a\nb\n", 1, 1);
        check("b\na\n", "a\nb\n", 0, 0);
        check("", "", 0, 0);
    }

    #[test]
    fn each_line_belongs_to_the_folder_of_its_type() {
        let check =
            |line: &str, folder_name: &str| assert_eq!(folder(line.as_bytes()), folder_name);
        check(r#"{"Type":"Info"}"#, "logs/Info");
        check(r#"{"Type":"Info","Type":"警告"}"#, "logs/警告");
        check(r#"{"Type":""}"#, "logs/none");
        check(r#"{"Type":["info"]}"#, "logs/none");
        check("{}", "logs/none");
        check(r#"{"Type":3}"#, "logs/3");
    }

    #[test]
    fn records_of_one_partition_must_keep_their_order_in_another() {
        let check = |ids: &[(i32, &str)], problems: usize| {
            let record = |(partition, id): &(i32, &str)| Committed {
                partition: *partition,
                id: format!("cluster/logs/{id}/0"),
                value: b"x".to_vec(),
            };
            let mut judgement = Judgement::default();
            judgement.topic(&ids.iter().map(record).collect::<Vec<_>>());
            assert_eq!(judgement.problems.len(), problems, "{ids:?}");
        };
        check(&[(0, "0/1"), (0, "1/0"), (0, "0/2")], 0);
        check(&[(0, "0/2"), (1, "0/1"), (0, "0/3")], 0);
        check(&[(0, "0/1"), (0, "0/2"), (0, "0/1"), (0, "0/3")], 0);
        check(&[(0, "0/2"), (0, "0/1")], 1);
    }
}
