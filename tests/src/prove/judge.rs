//! Compares what is visible at the end with what a program of its own worked out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use super::stage::{FOLDER_KEY, OUTPUT, PARTITIONS, Stage, TOPIC};
use crate::data::{Expected, lines};
use crate::files::{all_dead_letters, by_folder, difference, range, staged, visible};
use crate::kafka::Committed;

/// How many pairs of files are named that hold the same records.
const OVERLAPS_NAMED: usize = 5;

/// Lines by folder and partition; a topic has no folders.
type Lines = BTreeMap<(String, String), Vec<u8>>;

/// What became of the records.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// Lines that are there once more than they should be, for each time.
    pub(super) doubled: usize,
    /// Lines that should be there and are not.
    pub(super) lost: usize,
    /// Dead letters that are there again, which may be.
    pub(super) letters_again: usize,
    /// What does not hold.
    pub(super) problems: Vec<String>,
}

pub(super) fn judge(stage: &Stage<'_>, expected: &Expected) -> Judgement {
    let mut judgement = Judgement::default();
    let (mut written, wanted) = if stage.options.transactional {
        let written = judgement.topic(&stage.kafka.read_committed(OUTPUT));
        (written, wanted(expected, |_| String::new()))
    } else {
        let left = staged(&stage.place.out());
        if !left.is_empty() {
            let (count, first) = (left.len(), &left[0]);
            judgement.problem(format!("{count} files are left in staging: {first} …"));
        }
        judgement.overlaps(&visible(&stage.place.out()));
        (by_folder(&stage.place.out()), wanted(expected, folder))
    };
    for (place, expected) in &wanted {
        let actual = written.remove(place).unwrap_or_default();
        let (folder, partition) = place;
        judgement.compare(&format!("{folder}/{partition}"), &actual, expected);
    }
    for ((folder, partition), lines) in &written {
        judgement.compare(&format!("{folder}/{partition}"), lines, &[]);
    }
    judgement.dead_letters(stage, expected);
    judgement
}

impl Judgement {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
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

    fn dead_letters(&mut self, stage: &Stage<'_>, expected: &Expected) {
        let input: Vec<_> = lines(&stage.input).collect();
        let mut open: BTreeSet<(i32, u64, &str)> = expected
            .dead
            .iter()
            .map(|(partition, offset)| {
                let stage = refused_by(input[index(*partition, *offset)]);
                (*partition, *offset, stage)
            })
            .collect();
        let all = open.clone();
        let letters = all_dead_letters(&stage.place.dead());
        for letter in &letters {
            let key = (letter.partition, letter.offset, &*letter.stage);
            let id = format!("/{TOPIC}/{}/{}/0", letter.partition, letter.offset);
            if !all.contains(&key) || !letter.id.ends_with(&id) {
                self.problem(format!(
                    "{} is no dead letter of {}",
                    letter.id, letter.stage
                ));
                continue;
            }
            let original = input[index(letter.partition, letter.offset)];
            if letter.value.as_ref().map(|value| &value.0[..]) != Some(original) {
                self.problem(format!("{} does not hold its record", letter.id));
            }
            if !open.remove(&key) {
                self.letters_again += 1;
            }
        }
        if let Some(first) = open.first() {
            self.problem(format!("{} dead letters are lost: {first:?} …", open.len()));
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

/// Where the record at this place stands in the input.
fn index(partition: i32, offset: u64) -> usize {
    let number = |it: u64| usize::try_from(it).expect("records are counted in memory");
    number(offset) * PARTITIONS + number(partition.unsigned_abs().into())
}

/// Which plugin refuses this value: the first one what is no JSON, the second one what is no object.
fn refused_by(value: &[u8]) -> &'static str {
    match serde_json::from_slice::<Value>(value) {
        Ok(_) => "enrich",
        Err(_) => "level",
    }
}

/// `topic-partition`, offset and number of an id.
fn parse_id(id: &str) -> Option<(String, u64, u32)> {
    let mut parts = id.rsplitn(4, '/');
    let number = parts.next()?.parse().ok()?;
    let offset = parts.next()?.parse().ok()?;
    let partition: u32 = parts.next()?.parse().ok()?;
    let (_source, topic) = parts.next()?.rsplit_once('/')?;
    Some((format!("{topic}-{partition}"), offset, number))
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

    #[test]
    fn an_id_tells_where_a_record_came_from() {
        let place = Some(("logs-3".to_owned(), 17, 0));
        assert_eq!(parse_id("cluster/logs/3/17/0"), place);
        assert_eq!(parse_id("logs/3/17"), None);
    }
}
