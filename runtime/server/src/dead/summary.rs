//! How many dead letters there are, by stage and reason.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;
use tamis_connect::dead_folder::letter::DeadLetter;

use super::plain;

/// Bytes of a reason that tell it from others.
const REASON_BYTES_MAX: usize = 200;
/// Distinct stages and reasons; what more there are counts together.
const KINDS_MAX: usize = 10_000;
/// Stands for the reasons beyond.
const OTHERS: &str = "(other reasons)";

/// Counts by stage, then by reason.
#[derive(Debug, Default)]
pub(super) struct Counts {
    stages: BTreeMap<String, BTreeMap<String, u64>>,
    kinds: usize,
}

impl Counts {
    pub(super) fn add(&mut self, letter: &DeadLetter) {
        let cut = letter.reason.floor_char_boundary(REASON_BYTES_MAX);
        let mut reason = &letter.reason[..cut];
        let reasons = self.stages.entry(letter.stage.clone()).or_default();
        if !reasons.contains_key(reason) {
            if self.kinds >= KINDS_MAX {
                reason = OTHERS;
            }
            self.kinds += 1;
        }
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }

    /// For a person: most often first.
    pub(super) fn print(&self, output: &mut impl Write) -> io::Result<()> {
        for (stage, reasons) in &self.stages {
            let all: u64 = reasons.values().sum();
            writeln!(output, "{all:>10}  {}", plain(stage))?;
            let mut reasons: Vec<_> = reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons {
                writeln!(output, "{count:>10}      {}", plain(reason))?;
            }
        }
        Ok(())
    }

    /// For a script: a line for each stage and reason.
    pub(super) fn print_json(&self, output: &mut impl Write) -> io::Result<()> {
        for (stage, reasons) in &self.stages {
            for (reason, count) in reasons {
                let line = json!({ "stage": stage, "reason": reason, "letters": count });
                writeln!(output, "{line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead::pass::tests::letter;

    fn count(letters: &[(&str, String)]) -> Counts {
        let mut counts = Counts::default();
        for (stage, reason) in letters {
            let mut letter = letter("s/t/0/1/0", stage);
            letter.reason.clone_from(reason);
            counts.add(&letter);
        }
        counts
    }

    #[test]
    fn letters_are_counted_by_stage_and_reason_the_most_frequent_first() {
        let letters = [("mask", "a"), ("mask", "b"), ("level", "a"), ("mask", "b")];
        let counts = count(&letters.map(|(stage, reason)| (stage, reason.to_owned())));
        let mut output = Vec::new();
        counts.print(&mut output).unwrap();
        let expected = "         1  level\n         1      a\n         3  mask\n         2      b\n         1      a\n";
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }

    #[test]
    fn reasons_without_end_count_together() {
        let letters: Vec<_> = (0..2 * KINDS_MAX)
            .map(|number| ("mask", format!("{number} {}", "x".repeat(1_000))))
            .collect();
        let counts = count(&letters);
        let reasons = &counts.stages["mask"];
        assert_eq!(reasons.len(), KINDS_MAX + 1);
        assert_eq!(reasons[OTHERS], KINDS_MAX as u64);
        assert!(
            reasons
                .keys()
                .all(|reason| reason.len() <= REASON_BYTES_MAX)
        );
    }
}
