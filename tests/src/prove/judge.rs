//! Compares what is to be seen at the end with what a program of its own worked out.

mod letters;
mod lines;
mod stores;

use super::stage::{PARTITIONS, Stage};
use crate::data::Expected;

/// What became of the records.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// Lines or documents that are there once more than they should be, for each time.
    pub(super) doubled: usize,
    /// Those that should be there and are not.
    pub(super) lost: usize,
    /// Dead letters that are there again, which may be.
    pub(super) letters_again: usize,
    /// What must have become of the records in each store.
    pub(super) stores: Vec<InStore>,
    /// What does not hold.
    pub(super) problems: Vec<String>,
}

/// How many records a store must take and refuse.
#[derive(Debug)]
pub(super) struct InStore {
    pub(super) name: &'static str,
    pub(super) taken: usize,
    pub(super) refused: usize,
    /// Those of the refused that were made so.
    pub(super) impossible: usize,
}

pub(super) fn judge(stage: &Stage<'_>, expected: &Expected) -> Judgement {
    let mut judgement = Judgement::default();
    let mut letters = letters::of_plugins(stage, expected);
    if stage.stores.is_empty() {
        judgement.lines(stage, expected);
    }
    for (number, store) in stage.stores.iter().enumerate() {
        judgement.store(number, &**store, expected, &mut letters);
    }
    judgement.letters(stage, &letters);
    judgement
}

impl Judgement {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

/// Where the record at this place stands in the input.
fn index(partition: i32, offset: u64) -> usize {
    let number = |it: u64| usize::try_from(it).expect("records are counted in memory");
    number(offset) * PARTITIONS + number(partition.unsigned_abs().into())
}

/// `topic-partition`, offset and number.
type Id = (String, u64, u32);

/// What an id says.
fn parse_id(id: &str) -> Option<Id> {
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

    #[test]
    fn an_id_tells_where_a_record_came_from() {
        let place = Some(("logs-3".to_owned(), 17, 0));
        assert_eq!(parse_id("cluster/logs/3/17/0"), place);
        assert_eq!(parse_id("logs/3/17"), None);
    }
}
