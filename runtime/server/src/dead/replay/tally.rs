//! What a replay would do, and what it did.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde_json::{Value, json};

use crate::exit::Exit;

/// What would go where.
#[derive(Debug, Default)]
pub(super) struct Plan {
    targets: BTreeMap<String, u64>,
    without_stage: BTreeMap<String, u64>,
    pub(super) unreadable: u64,
}

impl Plan {
    pub(super) fn add(&mut self, target: String) {
        *self.targets.entry(target).or_default() += 1;
    }

    pub(super) fn add_without_stage(&mut self, stage: String) {
        *self.without_stage.entry(stage).or_default() += 1;
    }

    /// How many would be sent.
    pub(super) fn letters(&self) -> u64 {
        self.targets.values().sum()
    }

    /// For a script on the standard output, for a person on the standard error.
    pub(super) fn print(&self, json: bool) -> Result<()> {
        let Self {
            targets,
            without_stage,
            unreadable,
        } = self;
        if json {
            let plan = json!({
                "would_replay": targets,
                "without_stage": without_stage,
                "unreadable": unreadable,
            });
            crate::print(&plan.to_string());
            return Ok(());
        }
        for (target, letters) in targets {
            eprintln!("{letters} letters would go to {target}");
        }
        for (stage, letters) in without_stage {
            eprintln!("{}", stays(stage, *letters));
        }
        if *unreadable > 0 {
            eprintln!("{unreadable} could not be read");
        }
        if targets.is_empty() {
            eprintln!("there is nothing to replay");
        }
        Ok(())
    }

    pub(super) fn exit(&self) -> Exit {
        if self.unreadable > 0 || !self.without_stage.is_empty() {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}

/// What a replay did.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Letters that are done with: marked as replayed.
    pub(super) replayed: u64,
    /// Of these, those that plugins dropped on purpose.
    pub(super) dropped: u64,
    /// Dead letters that came of it.
    pub(super) again: u64,
    /// Letters that stay because a stage in front of theirs refuses them now.
    pub(super) left: u64,
    /// Letters that stay because the configuration has no such stage.
    pub(super) without_stage: BTreeMap<String, u64>,
    pub(super) unreadable: u64,
    /// Whether a person ended it.
    pub(super) is_halted: bool,
}

impl Tally {
    pub(super) fn add_without_stage(&mut self, stage: String) {
        *self.without_stage.entry(stage).or_default() += 1;
    }

    pub(super) fn exit(&self) -> Exit {
        let stays = self.again + self.left + self.unreadable;
        if stays > 0 || !self.without_stage.is_empty() {
            Exit::Failed
        } else if self.is_halted {
            Exit::Unsettled
        } else {
            Exit::Done
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "replayed": self.replayed,
            "dropped": self.dropped,
            "dead_again": self.again,
            "left": self.left,
            "without_stage": self.without_stage,
            "unreadable": self.unreadable,
            "stopped": self.is_halted,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} letters replayed", self.replayed)?;
        for (count, what) in [
            (self.dropped, "dropped by plugins"),
            (self.again, "dead letters came of it"),
            (self.left, "left alone: a stage in front refuses them now"),
            (self.unreadable, "could not be read"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (stage, letters) in &self.without_stage {
            write!(f, "; {}", stays(stage, *letters))?;
        }
        if self.is_halted {
            write!(f, "; stopped before the end")?;
        }
        Ok(())
    }
}

fn stays(stage: &str, letters: u64) -> String {
    format!("{letters} letters stay: the configuration has no plugin or sink {stage}")
}
