//! Reads what the process makes visible, checks it, and takes it away, so that any number of records fits on a disk.
//!
//! The last file of each partition stays until there is another one: whoever takes over from a process that died while it showed a
//! run looks for what that one has shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::PARTITIONS;
use super::feed::is_trap;
use super::history::Made;
use crate::data::lines;
use crate::files::{content, range, visible};

/// Between two looks at the folder.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The thread that reads.
pub(super) struct Reader {
    state: Arc<State>,
    thread: Option<JoinHandle<BTreeMap<i32, Seen>>>,
}

#[derive(Default)]
struct State {
    seen: AtomicU64,
    /// By partition, who made the last record that was seen.
    last: Mutex<BTreeMap<i32, Made>>,
    is_over: AtomicBool,
}

/// What was seen of one partition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The offset behind its last file.
    pub(super) next: u64,
    pub(super) records: u64,
    /// Stretches of records that one version made: the first offset of each, and who.
    pub(super) stretches: Vec<(u64, Made)>,
    /// Offsets that were passed over.
    pub(super) missing: Vec<u64>,
    /// The last file, which was read and is still there.
    pub(super) last: Option<PathBuf>,
}

impl Reader {
    pub(super) fn start(folder: PathBuf) -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        Self {
            state,
            thread: Some(thread::spawn(move || read(&folder, &shared))),
        }
    }

    pub(super) fn seen(&self) -> u64 {
        self.state.seen.load(Ordering::Relaxed)
    }

    /// Whether the last record that was seen of each partition was made by `made`.
    pub(super) fn has_last(&self, made: &Made) -> bool {
        let last = self.state.last.lock().expect("no one panics with it");
        last.len() == PARTITIONS.unsigned_abs() as usize && last.values().all(|it| it == made)
    }

    /// Reads to the end, since the process has ended; what was seen.
    pub(super) fn finish(&mut self) -> BTreeMap<i32, Seen> {
        self.state.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is finished once");
        thread.join().expect("what was read holds")
    }

    /// Whether what it read does not hold, and it has ended.
    pub(super) fn has_failed(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
    }
}

fn read(folder: &Path, state: &State) -> BTreeMap<i32, Seen> {
    let mut all = BTreeMap::<i32, Seen>::new();
    loop {
        // What is shown before the process ends is there by then.
        let is_over = state.is_over.load(Ordering::Relaxed);
        let files = if folder.exists() {
            visible(folder)
        } else {
            Vec::new()
        };
        for file in files {
            let (partition, start, next) = range(&file);
            let (_, partition) = partition.rsplit_once('-').expect("topic and partition");
            let partition = partition.parse().expect("a number");
            let seen = all.entry(partition).or_default();
            if seen.last.as_ref() == Some(&file) {
                continue;
            }
            let text = content(&file);
            seen.take(&text, start, next);
            let records = lines(&text).count() as u64;
            if let Some((_, made)) = seen.stretches.last() {
                let mut last = state.last.lock().expect("no one panics with it");
                last.insert(partition, made.clone());
            }
            if let Some(before) = seen.last.replace(file) {
                fs::remove_file(before).expect("a file of one's own can be removed");
            }
            state.seen.fetch_add(records, Ordering::Relaxed);
        }
        if is_over {
            return all;
        }
        thread::sleep(LOOK_AGAIN);
    }
}

impl Seen {
    /// Takes the lines of the file of `start..next`, in which line by line the offsets grow.
    fn take(&mut self, text: &[u8], start: u64, next: u64) {
        assert!(
            start >= self.next,
            "a file from {start} on behind one up to {}",
            self.next
        );
        self.pass_over(start);
        for line in lines(text) {
            let line = str::from_utf8(line).expect("JSON is UTF-8");
            let (number, made) =
                parse(line).unwrap_or_else(|| panic!("not as it was sent: {line}"));
            // A record carries its own offset as its number.
            assert!(
                (self.next..next).contains(&number),
                "record {number} in {start}..{next}, behind {}",
                self.next
            );
            self.pass_over(number);
            self.next = number + 1;
            self.records += 1;
            if self.stretches.last().is_none_or(|(_, last)| *last != made) {
                self.stretches.push((number, made));
            }
        }
        self.pass_over(next);
    }

    /// What does not hold of a partition of so many records, of which those at `letters` are dead letters.
    pub(super) fn problems(&self, partition: i32, records: u64, letters: &[u64]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem = |what: String| problems.push(format!("partition {partition}: {what}"));
        if self.next != records {
            problem(format!(
                "{} of {records} records are seen or passed over",
                self.next
            ));
        }
        if self.missing != letters {
            let count = (self.missing.len(), letters.len());
            let differs = self.missing.iter().zip(letters).find(|(a, b)| a != b);
            problem(format!(
                "{count:?} records are missing and dead letters, first {differs:?}"
            ));
        }
        if let Some(letter) = letters.iter().find(|letter| !is_trap(**letter)) {
            problem(format!(
                "{letter} is a dead letter, and no version fails on it"
            ));
        }
        problems
    }

    fn pass_over(&mut self, next: u64) {
        self.missing.extend(self.next..next);
        self.next = self.next.max(next);
    }
}

/// The number of a record, and who made it: what the plugin wrote and what Tamis wrote say the same.
fn parse(line: &str) -> Option<(u64, Made)> {
    let (number, _) = line.strip_prefix("{\"n\":")?.split_once(',')?;
    let (_, made) = line.rsplit_once(",\"v\":\"")?;
    let (version, rest) = made.split_once('"')?;
    let rest = rest.strip_prefix(",\"other\":true").unwrap_or(rest);
    let stamp = rest.strip_prefix(",\"by\":[\"v@")?.strip_suffix("\"]}")?;
    let (stamped, digest) = stamp.split_once('+')?;
    (stamped == version).then(|| {
        let made = Made {
            version: version.to_owned(),
            digest: digest.to_owned(),
        };
        Some((number.parse().ok()?, made))
    })?
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn line(number: u64, version: &str) -> String {
        format!(
            "{{\"n\":{number},\"Type\":\"x\",\"v\":\"{version}\",\"by\":[\"v@{version}+abc\"]}}\n"
        )
    }

    #[test]
    fn stretches_and_gaps_are_found() {
        let mut seen = Seen::default();
        seen.take([line(0, "1"), line(1, "1")].concat().as_bytes(), 0, 3);
        seen.take([line(3, "1"), line(5, "2")].concat().as_bytes(), 3, 7);
        let stretches: Vec<_> = seen
            .stretches
            .iter()
            .map(|(at, made)| (*at, &*made.version))
            .collect();
        assert_eq!(stretches, [(0, "1"), (5, "2")]);
        assert_eq!(
            (seen.missing, seen.next, seen.records),
            (vec![2, 4, 6], 7, 4)
        );
    }

    #[test]
    fn a_record_that_is_there_twice_is_found() {
        let taken = catch_unwind(|| {
            Seen::default().take([line(1, "1"), line(1, "1")].concat().as_bytes(), 0, 5);
        });
        let said = *taken.unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("behind 2"), "{said}");
    }

    #[test]
    fn a_record_is_made_by_the_version_that_it_was_stamped_with() {
        let made = |line: &str| parse(line).map(|(number, made)| (number, made.version));
        let more = r#"{"n":7,"v":"a","other":true,"by":["v@a+0f"]}"#;
        assert_eq!(made(more), Some((7, "a".to_owned())));
        assert_eq!(made(r#"{"n":7,"v":"a","by":["v@b+0f"]}"#), None);
        assert_eq!(made(r#"{"n":7,"v":"a"}"#), None);
    }
}
