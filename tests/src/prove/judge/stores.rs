//! Documents in stores: each once under its id, as it must be.

use std::collections::HashMap;

use serde_json::Value;

use super::super::stage::TOPIC;
use super::super::stores::{Store, is_impossible};
use super::letters::Letters;
use super::{Id, InStore, Judgement, index, parse_id};
use crate::data::Expected;

impl Judgement {
    /// Compares what is in the store with this `number` with what must be; adds the letters that must be instead to `letters`.
    pub(super) fn store(
        &mut self,
        number: usize,
        store: &dyn Store,
        expected: &Expected,
        letters: &mut Letters,
    ) {
        let name = store.name();
        let mut wanted = HashMap::new();
        let (mut refused, mut impossible) = (0, 0);
        let partitions = expected.written.iter().zip(&expected.offsets);
        for (partition, (records, offsets)) in (0..).zip(partitions) {
            for (offset, mut fate) in offsets.iter().zip(store.fates(records)) {
                if is_impossible(index(partition, *offset), number) {
                    impossible += 1;
                    fate = Err(store.impossible().words);
                }
                match fate {
                    Ok(document) => {
                        let id = (format!("{TOPIC}-{partition}"), *offset, 0);
                        wanted.insert(id, document);
                    }
                    Err(words) => {
                        refused += 1;
                        letters.insert((partition, *offset, name), words);
                    }
                }
            }
        }
        self.stores.push(InStore {
            name,
            taken: wanted.len(),
            refused,
            impossible,
        });
        self.documents(name, store.stored(), wanted);
    }

    /// Looks whether the documents of `stored` are those of `wanted`, each once.
    fn documents(
        &mut self,
        name: &str,
        stored: Vec<(String, Value)>,
        mut wanted: HashMap<Id, Value>,
    ) {
        let (mut doubled, mut others) = (Vec::new(), Vec::new());
        for (id, document) in stored {
            match parse_id(&id).and_then(|id| wanted.remove(&id)) {
                Some(wanted) if wanted == document => {}
                Some(wanted) => {
                    others.push(format!("{id} is {document} and should be {wanted}"));
                }
                None => doubled.push(id),
            }
        }
        let lost: Vec<_> = wanted.into_keys().map(|id| format!("{id:?}")).collect();
        self.doubled += doubled.len();
        self.lost += lost.len();
        for (what, which) in [
            ("too many", doubled),
            ("too few", lost),
            ("are others", others),
        ] {
            if let Some(first) = which.first() {
                let count = which.len();
                self.problem(format!("{name}: {count} documents {what}: {first} …"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stored: &[(u64, &str)], doubled: usize, lost: usize, problems: usize) {
        let wanted = [1, 2].map(|offset| (("logs-0".to_owned(), offset, 0), "a".into()));
        let stored = stored
            .iter()
            .map(|(offset, text)| (format!("cluster/logs/0/{offset}/0"), (*text).into()));
        let mut judgement = Judgement::default();
        judgement.documents("store", stored.collect(), wanted.into());
        assert_eq!((judgement.doubled, judgement.lost), (doubled, lost));
        let found = judgement.problems;
        assert_eq!(found.len(), problems, "{found:?}");
    }

    #[test]
    fn doubled_lost_and_other_documents_are_found() {
        check(&[(2, "a"), (1, "a")], 0, 0, 0);
        check(&[(1, "a"), (2, "a"), (1, "a")], 1, 0, 1);
        check(&[(1, "a"), (2, "a"), (3, "a")], 1, 0, 1);
        check(&[(1, "a")], 0, 1, 1);
        check(&[(1, "a"), (2, "b")], 0, 0, 1);
        check(&[(1, "b"), (3, "a")], 1, 1, 3);
    }
}
