//! Dead letters: those that must be, at least once, and no others.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::stage::{Stage, TOPIC};
use super::{Judgement, index};
use crate::data::{Expected, lines};
use crate::files::all_dead_letters;

/// Partition, offset and stage of each letter that must be, and words that its reason must have.
pub(super) type Letters = BTreeMap<(i32, u64, &'static str), &'static str>;

/// Those of the plugins; of their reasons nothing is known.
pub(super) fn of_plugins(stage: &Stage<'_>, expected: &Expected) -> Letters {
    let input: Vec<_> = lines(&stage.input).collect();
    let dead = expected.dead.iter().map(|(partition, offset)| {
        let stage = refused_by(input[index(*partition, *offset)]);
        ((*partition, *offset, stage), "")
    });
    dead.collect()
}

impl Judgement {
    pub(super) fn letters(&mut self, stage: &Stage<'_>, all: &Letters) {
        let input: Vec<_> = lines(&stage.input).collect();
        let letters = all_dead_letters(&stage.place.dead());
        let mut open = all.clone();
        for letter in &letters {
            let key = (letter.partition, letter.offset, &*letter.stage);
            let id = format!("/{TOPIC}/{}/{}/0", letter.partition, letter.offset);
            let Some(words) = all.get(&key).filter(|_| letter.id.ends_with(&id)) else {
                let (id, stage, reason) = (&letter.id, &letter.stage, &letter.reason);
                self.problem(format!("{id} is no dead letter of {stage}: {reason}"));
                continue;
            };
            let original = input[index(letter.partition, letter.offset)];
            if letter.value.as_ref().map(|value| &value.0[..]) != Some(original) {
                self.problem(format!("{} does not hold its record", letter.id));
            }
            if !letter.reason.contains(words) {
                let (id, reason) = (&letter.id, &letter.reason);
                self.problem(format!("{id} does not say {words:?}: {reason}"));
            }
            if open.remove(&key).is_none() {
                self.letters_again += 1;
            }
        }
        if let Some(first) = open.first_key_value() {
            self.problem(format!("{} dead letters are lost: {first:?} …", open.len()));
        }
    }
}

/// Which plugin refuses this value: the first one what is no JSON, the second one what is no object.
fn refused_by(value: &[u8]) -> &'static str {
    match serde_json::from_slice::<Value>(value) {
        Ok(_) => "enrich",
        Err(_) => "level",
    }
}
