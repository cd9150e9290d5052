//! What the history of a pipeline tells, and whether what was made agrees with it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::reader::Seen;

/// A version of a plugin, as a record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// What it says itself.
    pub(super) version: String,
    /// The first digits of the SHA-256 of its file.
    pub(super) digest: String,
}

/// The entries of a history, oldest first.
pub(super) struct History(Vec<Value>);

impl History {
    /// Those in `file`, as far as they are whole; none where there is none.
    pub(super) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let entries = whole.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
        });
        Self(entries.collect())
    }

    /// Who runs, as far as it tells.
    pub(super) fn runs(&self) -> Option<Made> {
        self.turns().pop().map(|turn| turn.made)
    }

    /// Whom its last entry is about.
    pub(super) fn last(&self) -> Option<Made> {
        self.0.last().map(made)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The last thing that became of `version` behind the first `from` entries.
    pub(super) fn verdict(&self, version: &str, from: usize) -> Option<&str> {
        let of = self.0.iter().skip(from).rev();
        let mut of = of.filter(|entry| entry["semver"] == version);
        of.next().map(event)
    }

    /// How often there is `event`, by `by`.
    pub(super) fn count(&self, event: &str, by: &str) -> usize {
        let is = |entry: &&Value| entry["event"] == event && entry["by"] == by;
        self.0.iter().filter(is).count()
    }

    /// How often a version was taken back that had live records.
    pub(super) fn taken_back(&self) -> usize {
        self.count("rolled_back", "rollback")
    }

    /// Whose turn it was, in order. One that was on probation and of which nothing came was cut short by a death: what ran before it
    /// is what ran after it.
    pub(super) fn turns(&self) -> Vec<Turn> {
        let (mut turns, mut runs) = (Vec::<Turn>::new(), None::<Made>);
        let mut on_probation = None::<Made>;
        let stays = |made: &Made| Turn {
            made: made.clone(),
            stays: true,
        };
        for entry in &self.0 {
            let made = made(entry);
            let is_anew = event(entry) == "on_probation";
            if on_probation.take_if(|it| is_anew || *it != made).is_some() {
                turns.extend(runs.as_ref().map(stays));
            }
            match event(entry) {
                "on_probation" => {
                    turns.push(Turn {
                        made: made.clone(),
                        stays: false,
                    });
                    on_probation = Some(made);
                }
                "promoted" => {
                    match on_probation.take() {
                        Some(_) => turns.last_mut().expect("it was on probation").stays = true,
                        None => turns.push(stays(&made)),
                    }
                    runs = Some(made);
                }
                "rolled_back" => {
                    on_probation = None;
                    turns.extend(runs.as_ref().map(stays));
                }
                _ => {}
            }
        }
        if on_probation.is_some() {
            turns.extend(runs.as_ref().map(stays));
        }
        turns
    }

    /// For each lane the pauses of all switches, in microseconds.
    pub(super) fn pauses(&self) -> Vec<Vec<u64>> {
        let mut lanes = Vec::<Vec<u64>>::new();
        for pauses in self
            .details("switch")
            .filter_map(|it| it["pause_us"].as_array())
        {
            lanes.resize_with(pauses.len().max(lanes.len()), Vec::new);
            for (lane, pause) in lanes.iter_mut().zip(pauses) {
                lane.extend(pause.as_u64());
            }
        }
        lanes
    }

    /// Nanoseconds that a record took in the versions that took over, as each of them was tried.
    pub(super) fn record_nanos(&self) -> Vec<u64> {
        let nanos = self.details("shadow");
        nanos
            .filter_map(|it| it.pointer("/new/ns_per_record")?.as_u64())
            .collect()
    }

    /// What came of the step `name` of those that took over or were taken back.
    fn details<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let ended = |entry: &&Value| matches!(event(entry), "promoted" | "rolled_back");
        let entries = self.0.iter().filter(ended);
        let steps = entries.flat_map(|entry| entry["steps"].as_array().into_iter().flatten());
        steps
            .filter(move |step| step["name"] == name)
            .map(|step| &step["detail"])
    }
}

/// A version that had records, or could have had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) made: Made,
    /// It was not taken back. Behind one that was, the next turn has records in each partition: they are waited for.
    pub(super) stays: bool,
}

/// What of the stretches of a partition is not as the `turns` were, of which the last one must have made its last records.
pub(super) fn contradiction(turns: &[Turn], partition: i32, seen: &Seen) -> Option<String> {
    let mut at = 0;
    for (offset, made) in &seen.stretches {
        let Made { version, digest } = made;
        let wrong = |why: &str| {
            Some(format!(
                "partition {partition}: {version}+{digest} made records from {offset} on, {why}"
            ))
        };
        let Some(next) = turns[at..].iter().position(|it| it.made == *made) else {
            return wrong("which was not its turn");
        };
        if at > 0 && next > 0 && !turns[at - 1].stays {
            return wrong("where the version before the one that was taken back had its turn");
        }
        at += next + 1;
    }
    let last = &turns.last()?.made;
    let is_last = seen.stretches.last().is_some_and(|(_, made)| made == last);
    (!is_last).then(|| {
        let version = &last.version;
        format!("partition {partition}: {version} did not make its last records")
    })
}

/// In how many of the partitions each version that stayed was seen: pairs that were, and all of them.
pub(super) fn coverage<'s>(turns: &[Turn], seen: impl Iterator<Item = &'s Seen>) -> (usize, usize) {
    let stayed: Vec<&Made> = turns
        .iter()
        .filter(|it| it.stays)
        .map(|it| &it.made)
        .collect();
    seen.fold((0, 0), |(found, all), seen| {
        let is_seen = |made: &&&Made| seen.stretches.iter().any(|(_, it)| it == **made);
        (
            found + stayed.iter().filter(is_seen).count(),
            all + stayed.len(),
        )
    })
}

fn event(entry: &Value) -> &str {
    entry["event"].as_str().expect("an entry has an event")
}

fn made(entry: &Value) -> Made {
    let text = |key: &str| entry[key].as_str().expect("an entry names a version");
    Made {
        version: text("semver").to_owned(),
        digest: text("sha256")[..12].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history(entries: &[(&str, &str)]) -> History {
        let entry = |(version, event): &(&str, &str)| json!({"semver": version, "sha256": "0123456789abcdef", "event": event, "by": "deploy"});
        History(entries.iter().map(entry).collect())
    }

    fn contradicts(history: &History, versions: &[&str]) -> bool {
        let made = |version: &&str| Made {
            version: (*version).to_owned(),
            digest: "0123456789ab".to_owned(),
        };
        let stretches = versions.iter().map(|version| (0, made(version))).collect();
        let seen = Seen {
            stretches,
            ..Seen::default()
        };
        contradiction(&history.turns(), 0, &seen).is_some()
    }

    #[test]
    fn versions_come_as_the_history_tells_and_go_back_where_it_says_so_or_was_cut_short() {
        let history = history(&[
            ("1", "promoted"),
            ("2", "on_probation"),
            ("2", "promoted"),
            ("3", "refused"),
            ("4", "on_probation"),
            ("4", "rolled_back"),
            ("5", "on_probation"),
            ("6", "on_probation"),
            ("6", "promoted"),
        ]);
        for versions in [
            &["1", "2", "4", "2", "5", "2", "6"][..],
            &["1", "6"],
            &["2", "5", "2", "6"],
        ] {
            assert!(!contradicts(&history, versions), "{versions:?}");
        }
        for versions in [
            &["3", "6"][..],
            &["2", "1", "6"],
            &["4", "1", "6"],
            // Not taken back.
            &["1", "2", "4", "6"],
            // What a restart ran was not promoted.
            &["1", "2", "5", "6"],
            // A lane that never swapped.
            &["1"],
            &["1", "2", "4", "2"],
        ] {
            assert!(contradicts(&history, versions), "{versions:?}");
        }
    }
}
