//! What came of a proof of swaps.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::history::History;
use super::options::Options;
use super::plan::Kind;
use super::reader::Seen;

/// Lines of the curve.
const CURVE: usize = 24;
/// Where the process has begun to work with all that it needs: after this part of the moments.
const WARM: usize = 8;
/// What memory may grow by between the first and the last of them: a part of it, and some bytes for a buffer here and there.
const GROWTH_PART: u64 = 5;
const GROWTH_BYTES: u64 = 16 << 20;
/// Records of a full batch, as the configuration has it unless it says otherwise.
const BATCH_RECORDS: u64 = 1_024;

/// The process at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) after: Duration,
    /// Seen behind it.
    pub(super) records: u64,
    /// Bytes of memory.
    pub(super) resident: u64,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How often a version of each kind became what.
    came: BTreeMap<(Kind, String), usize>,
    kills: usize,
    /// From the first swap to the end of the last one.
    pub(super) swapping: Duration,
    pub(super) moments: Vec<Moment>,
    /// Versions that took over, in each partition: seen there, and all.
    pub(super) coverage: (usize, usize),
}

impl Tally {
    pub(super) fn note(&mut self, kind: Kind, kills: bool, came: &str) {
        self.kills += usize::from(kills);
        *self.came.entry((kind, came.to_owned())).or_default() += 1;
    }
}

/// What happened, and what became of the records.
#[derive(Debug)]
pub struct Report {
    options: Options,
    tally: Tally,
    records: u64,
    stretches: usize,
    taken_back: usize,
    letters: usize,
    /// For each lane all pauses, in microseconds.
    pauses: Vec<Vec<u64>>,
    record_nanos: Vec<u64>,
    took: Duration,
    /// What does not hold; nothing in a proof that succeeded.
    pub problems: Vec<String>,
}

impl Report {
    pub(super) fn new(
        options: Options,
        tally: Tally,
        history: &History,
        seen: &BTreeMap<i32, Seen>,
        letters: usize,
        took: Duration,
        mut problems: Vec<String>,
    ) -> Self {
        if options.is_calm {
            problems.extend(growth(&tally.moments));
        }
        Self {
            options,
            records: seen.values().map(|it| it.records).sum(),
            stretches: seen.values().map(|it| it.stretches.len()).sum(),
            taken_back: history.taken_back(),
            letters,
            pauses: history.pauses(),
            record_nanos: history.record_nanos(),
            took,
            problems,
            tally,
        }
    }

    /// How often the process was killed.
    #[must_use]
    pub fn kills(&self) -> usize {
        self.tally.kills
    }

    /// How many stretches of records one version made, over all partitions.
    #[must_use]
    pub fn stretches(&self) -> usize {
        self.stretches
    }
}

/// Where memory grows from the first warm moments to the last ones.
fn growth(moments: &[Moment]) -> Option<String> {
    let part = moments.len() / WARM;
    let warm = moments.get(part..).filter(|_| part > 0)?;
    let before = median(warm[..part].iter().map(|it| it.resident).collect());
    let after = median(
        warm[warm.len() - part..]
            .iter()
            .map(|it| it.resident)
            .collect(),
    );
    let limit = before + before / GROWTH_PART + GROWTH_BYTES;
    (after > limit).then(|| {
        let [before, after] = [before, after].map(|it| it >> 20);
        format!("memory grows: {before} MiB at first, {after} MiB in the end")
    })
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row =
            |name: &str, value: &dyn fmt::Display| writeln!(out, "{name:<24} {value:>12}");
        let seconds = self.took.as_secs_f64();
        row("records", &self.records)?;
        row(
            "records a second",
            &format!("{:.0}", self.records as f64 / seconds),
        )?;
        let swaps = self.options.swaps.max(1) as f64;
        let each = self.tally.swapping.as_secs_f64() / swaps;
        row("swaps", &self.options.swaps)?;
        row("  seconds for each", &format!("{each:.2}"))?;
        for ((kind, came), count) in &self.tally.came {
            row(&format!("  {kind:?}"), &format!("{count:>12}   {came}"))?;
        }
        row("taken back from live", &self.taken_back)?;
        row("killed", &self.tally.kills)?;
        row("dead letters", &self.letters)?;
        row("stretches of one version", &self.stretches)?;
        let (seen, all) = self.tally.coverage;
        row(
            "versions seen",
            &format!("{seen:>12}   of {all}, over all partitions"),
        )?;
        for (lane, pauses) in self.pauses.iter().enumerate() {
            let longest = pauses.iter().max().copied().unwrap_or_default();
            let middle = median(pauses.clone());
            let value = format!(
                "{longest:>9} µs   of {}, half below {middle} µs",
                pauses.len()
            );
            row(&format!("longest pause, lane {lane}"), &value)?;
        }
        let nanos = median(self.record_nanos.clone());
        let batch = format!(
            "{:>9} µs   at {nanos} ns a record",
            nanos * BATCH_RECORDS / 1000
        );
        row("one batch takes", &batch)?;
        row("seconds", &format!("{seconds:.1}"))?;
        row("seed", &self.options.seed)?;
        curve(&self.tally.moments, out)?;
        for problem in &self.problems {
            writeln!(out, "FAILED: {problem}")?;
        }
        out.write_str(if self.problems.is_empty() {
            "proven: each record once, by one version, one version after the other"
        } else {
            "not proven"
        })
    }
}

fn curve(moments: &[Moment], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let most = moments.iter().map(|it| it.resident).max().unwrap_or(1);
    writeln!(out, "{:>9} {:>12} {:>9}", "seconds", "records", "MiB")?;
    for moment in moments.iter().step_by(moments.len().div_ceil(CURVE).max(1)) {
        let Moment {
            after,
            records,
            resident,
        } = moment;
        let bar = "#".repeat(usize::try_from(resident * 40 / most).unwrap_or(0));
        let (after, mib) = (after.as_secs(), resident >> 20);
        writeln!(out, "{after:>9} {records:>12} {mib:>9} {bar}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_is_a_problem_and_memory_that_wanders_is_none() {
        let moments = |resident: fn(u64) -> u64| -> Vec<Moment> {
            let moment = |it| Moment {
                after: Duration::from_secs(it),
                records: it,
                resident: resident(it) << 20,
            };
            (0..80).map(moment).collect()
        };
        assert_eq!(growth(&moments(|it| 100 + it % 7)), None);
        assert!(growth(&moments(|it| 100 + it)).is_some());
        assert_eq!(growth(&moments(|it| it.min(10) * 10)), None);
        assert_eq!(growth(&[]), None);
    }
}
