//! What a plugin counts and logs over a batch. It goes out with the answer, and takes effect once Tamis has accepted that.

use crate::bindings::Answer;
use crate::length;

/// Of a line no more is logged.
const LINE_BYTES_MAX: usize = 1_024;
/// Of a batch no more are logged; what is beyond is but counted.
const LINES_MAX: usize = 128;
/// Numbers of a line in an answer: level, record, length.
const LINE_LEN: usize = 3;
const NAME_BYTES_MAX: usize = 64;

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// A person must act.
    Error,
    /// Something was wrong, and dealt with.
    Warn,
    /// Good to know.
    Info,
    /// For whoever looks for a fault.
    Debug,
}

impl LogLevel {
    /// All of them, by the numbers of the contract. Tests read what was logged.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    fn number(self) -> i32 {
        match self {
            Self::Error => 0,
            Self::Warn => 1,
            Self::Info => 2,
            Self::Debug => 3,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Names stay when their sums are sent.
    counts: Vec<(String, u64)>,
    /// Three numbers for each line, as the contract has them.
    logs: Vec<i32>,
    lines: Vec<u8>,
}

impl Effects {
    #[track_caller]
    pub(crate) fn count(&mut self, name: &str, amount: u64) {
        if let Some((_, sum)) = self.counts.iter_mut().find(|(known, _)| known == name) {
            *sum = sum.saturating_add(amount);
            return;
        }
        let is_legal = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        assert!(
            (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_legal),
            "{name:?} is no name to count by: those have 1 to {NAME_BYTES_MAX} of a-z, 0-9 and _"
        );
        self.counts.push((name.to_owned(), amount));
    }

    /// Adds a line about the record with this index.
    pub(crate) fn log(&mut self, level: LogLevel, record: usize, line: &str) {
        let is_heard = self.logs.len() < LINES_MAX * LINE_LEN;
        let line_bytes_max = if is_heard { LINE_BYTES_MAX } else { 0 };
        let line = &line[..line.floor_char_boundary(line_bytes_max)];
        self.logs
            .extend([level.number(), length(record), length(line.len())]);
        self.lines.extend_from_slice(line.as_bytes());
    }

    /// Moves all of it into `answer`.
    pub(crate) fn send(&mut self, answer: &mut Answer) {
        for (name, sum) in &mut self.counts {
            if *sum > 0 {
                answer.count_names.push(length(name.len()));
                answer.counts.push(std::mem::take(sum));
                answer.words.extend_from_slice(name.as_bytes());
            }
        }
        answer.logs = std::mem::take(&mut self.logs);
        answer.words.append(&mut self.lines);
    }
}
