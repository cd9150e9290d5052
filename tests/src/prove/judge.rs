//! Compares what is visible at the end with what a program of its own worked out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use serde_json::Value;

use super::stage::{OUTPUT, PARTITIONS, Stage, TOPIC};
use crate::data::{Expected, lines};
use crate::files::{all_dead_letters, by_partition, difference, range, staged, visible};
use crate::kafka::Kafka;

/// How many pairs of files are named that hold the same records.
const OVERLAPS_NAMED: usize = 5;

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
    let mut written = if stage.options.transactional {
        judgement.topic(&stage.kafka)
    } else {
        let left = staged(&stage.place.out());
        if !left.is_empty() {
            let (count, first) = (left.len(), &left[0]);
            judgement.problem(format!("{count} files are left in staging: {first} …"));
        }
        judgement.overlaps(&visible(&stage.place.out()));
        by_partition(&stage.place.out())
    };
    for (number, expected) in expected.written.iter().enumerate() {
        let name = format!("{TOPIC}-{number}");
        let actual = written.remove(&name).unwrap_or_default();
        judgement.compare(&name, &actual, expected);
    }
    for name in written.keys() {
        judgement.problem(format!("there is a partition {name}"));
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
            of == of_second && start < next
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

    /// What a reader sees that waits for transactions to end, by the partition that it came from.
    fn topic(&mut self, kafka: &Kafka) -> BTreeMap<String, Vec<u8>> {
        let mut outputs: BTreeMap<(String, u64, u32), Vec<Vec<u8>>> = BTreeMap::new();
        for (id, value) in kafka.read_committed(OUTPUT) {
            match parse_id(&id) {
                Some(place) => outputs.entry(place).or_default().push(value),
                None => self.problem(format!("{id:?} is no id")),
            }
        }
        let mut partitions: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for ((name, ..), values) in outputs {
            let text = partitions.entry(name).or_default();
            for value in values {
                text.extend_from_slice(&value);
                text.push(b'\n');
            }
        }
        partitions
    }
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
    fn an_id_tells_where_a_record_came_from() {
        let place = Some(("logs-3".to_owned(), 17, 0));
        assert_eq!(parse_id("cluster/logs/3/17/0"), place);
        assert_eq!(parse_id("logs/3/17"), None);
    }
}
