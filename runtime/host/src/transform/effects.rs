//! What a plugin counted and said over a batch: checked like the rest of its answer, and done once that was accepted. A batch on which
//! it failed leaves none.

use tamis_core::OTHER_COUNTS;
use tamis_core::batch::{Batch, Row};
use tamis_core::transform::Stage;
use tracing::{debug, enabled, error, info, warn};

use crate::contract::Words;
use crate::failure::Cause;
use crate::log_budget::LogBudget;

/// Names in one answer; core keeps as many of one stage.
const COUNTS_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 64;
/// Lines that are kept of one batch; no budget has more.
const LINES_MAX: usize = 128;
/// Bytes of a line that are logged.
const LINE_BYTES_MAX: usize = 1_024;
/// Numbers of a line: level, record, length.
const LINE_LEN: usize = 3;
/// The index of a record: the line is about none.
const NO_RECORD: i32 = -1;

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) counts: Vec<(String, u64)>,
    lines: Vec<Line>,
    /// Lines beyond those.
    more: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    level: Level,
    /// The offset of the record that it is about.
    offset: Option<u64>,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Effects {
    /// What `words` say about the records `input`.
    pub(super) fn of(words: &Words, input: &[Row]) -> Result<Self, Cause> {
        let (lines, ragged) = words.logs.as_chunks::<LINE_LEN>();
        let (names, counts) = (words.count_names.len(), words.counts.len());
        if !ragged.is_empty() {
            return malformed(format!(
                "the last line of the log has {} of {LINE_LEN} numbers",
                ragged.len()
            ));
        }
        if names != counts {
            return malformed(format!("{counts} counts with {names} names"));
        }
        if names > COUNTS_MAX {
            return malformed(format!("{names} counts, more than {COUNTS_MAX}"));
        }
        let mut text = Text { rest: &words.text };
        let mut effects = Self::default();
        for (length, amount) in words.count_names.iter().zip(&words.counts) {
            let name = name(text.take(*length)?)?;
            effects.counts.push((name, *amount));
        }
        for [level, record, length] in lines {
            let level = level_of(*level)?;
            let offset = offset(*record, input)?;
            let text = text.take(*length)?;
            if effects.lines.len() < LINES_MAX {
                let text = line(text);
                effects.lines.push(Line {
                    level,
                    offset,
                    text,
                });
            } else {
                effects.more += 1;
            }
        }
        match text.rest.len() {
            0 => Ok(effects),
            left => malformed(format!(
                "{left} bytes of words belong to no count and no line"
            )),
        }
    }

    /// Adds those of another part of the batch; however many parts there are, they take no more room than those of one.
    pub(super) fn absorb(&mut self, other: Self) {
        for (name, amount) in other.counts {
            let is_known = self.counts.iter().any(|(known, _)| *known == name);
            let is_one_too_many = self.counts.len() >= COUNTS_MAX && !is_known;
            self.add(
                if is_one_too_many {
                    OTHER_COUNTS.to_owned()
                } else {
                    name
                },
                amount,
            );
        }
        let room = LINES_MAX - self.lines.len();
        self.more += other.more + other.lines.len().saturating_sub(room) as u64;
        self.lines.extend(other.lines.into_iter().take(room));
    }

    fn add(&mut self, name: String, amount: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => self.counts.push((name, amount)),
        }
    }

    /// Whether there is anything to log.
    pub(super) fn has_lines(&self) -> bool {
        !self.lines.is_empty() || self.more > 0
    }

    /// Writes the lines to the log, as far as `budget` goes. Those of a level that is not shown cost nothing of it.
    pub(super) fn log(self, stage: &Stage, batch: &Batch, budget: &LogBudget) {
        let (plugin, partition) = (&stage.name, batch.partition());
        for Line {
            level,
            offset,
            text,
        } in self.lines
        {
            let is_shown = match level {
                Level::Error => enabled!(tracing::Level::ERROR),
                Level::Warn => enabled!(tracing::Level::WARN),
                Level::Info => enabled!(tracing::Level::INFO),
                Level::Debug => enabled!(tracing::Level::DEBUG),
            };
            if !is_shown {
                continue;
            }
            let Some(passed_over) = budget.take() else {
                continue;
            };
            if passed_over > 0 {
                warn!(%plugin, passed_over, "the plugin logs more than it may");
            }
            match level {
                Level::Error => error!(%plugin, %partition, offset, "{text}"),
                Level::Warn => warn!(%plugin, %partition, offset, "{text}"),
                Level::Info => info!(%plugin, %partition, offset, "{text}"),
                Level::Debug => debug!(%plugin, %partition, offset, "{text}"),
            }
        }
        // Of a lock that all lanes share.
        if self.more > 0 {
            budget.pass_over(self.more);
        }
    }
}

fn malformed<T>(how: String) -> Result<T, Cause> {
    Err(Cause::Malformed(how))
}

/// Bytes that are taken in order, so that no two words share one.
struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn take(&mut self, length: i32) -> Result<&'a [u8], Cause> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let Some((taken, rest)) = taken else {
            let left = self.rest.len();
            return malformed(format!("a word of {length} bytes where {left} are left"));
        };
        self.rest = rest;
        Ok(taken)
    }
}

fn name(bytes: &[u8]) -> Result<String, Cause> {
    let is_legal = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    let legal = (1..=NAME_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(is_legal);
    if legal {
        Ok(bytes.iter().copied().map(char::from).collect())
    } else {
        malformed(format!(
            "a count whose name is not 1 to {NAME_BYTES_MAX} of a-z, 0-9 and _"
        ))
    }
}

fn level_of(number: i32) -> Result<Level, Cause> {
    match number {
        0 => Ok(Level::Error),
        1 => Ok(Level::Warn),
        2 => Ok(Level::Info),
        3 => Ok(Level::Debug),
        unknown => malformed(format!("a line of the log has the unknown level {unknown}")),
    }
}

fn offset(record: i32, input: &[Row]) -> Result<Option<u64>, Cause> {
    if record == NO_RECORD {
        return Ok(None);
    }
    let row = usize::try_from(record)
        .ok()
        .and_then(|index| input.get(index));
    match row {
        Some(row) => Ok(Some(row.offset)),
        None => malformed(format!(
            "a line of the log is about record {record} of {}",
            input.len()
        )),
    }
}

/// One line, whatever is in it: a plugin must not write lines in the name of others.
fn line(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect()
}

#[cfg(test)]
mod tests;
