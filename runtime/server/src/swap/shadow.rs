//! A candidate beside what runs, on the last batches: what it would do otherwise, and whether that is good enough for live records.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tamis_config::{PluginSpec, SwapSpec};
use tamis_core::TrialLimits;
use tamis_core::batch::Taken;
use tamis_core::shadow::{Comparison, Difference, compare};
use tamis_core::transform::Transform;
use tamis_host::{Plugin, PluginTransform};

use super::candidate::{Candidate, Running};
use crate::{difference, wiring};

/// What the present version takes for a record at least, as far as limits are made of it: below, the clock is what is measured.
const RECORD_NANOS_MIN: u64 = 1_000;
/// Records of which some may be refused before a share says anything.
const RECORDS_MIN: u64 = 100;

/// What was seen, and what it cost.
pub(super) struct Shadow {
    comparison: Comparison,
    /// Bytes of memory that the new plugins took, the largest of them.
    memory_bytes: usize,
}

impl Shadow {
    /// Runs fresh instances of both on the batches `taken`, for a limited time.
    pub(super) fn run(running: &Running, candidate: &Candidate, taken: &[Taken]) -> Result<Self> {
        let first = candidate.first_new();
        let of = |specs: &[PluginSpec], plugins: &mut dyn Iterator<Item = &Arc<Plugin>>| {
            let both = specs.iter().zip(plugins);
            let instances = both.map(|(spec, plugin)| wiring::transform(spec, plugin));
            instances.collect::<Result<Vec<PluginTransform>>>()
        };
        let (old_specs, old) = (&running.spec.plugins, &running.plugins);
        let mut before = of(&old_specs[..first], &mut old[..first].iter())?;
        let mut old = of(&old_specs[first..], &mut old[first..].iter())?;
        let new = candidate.plugins[first..].iter().map(|part| &part.plugin);
        let mut new = of(&candidate.spec.plugins[first..], &mut new.into_iter())?;
        let time = Duration::from_millis(candidate.spec.swap.shadow_time_ms_max);
        let comparison = compare(
            &mut each(&mut before),
            &mut each(&mut old),
            &mut each(&mut new),
            taken,
            time,
        );
        let memory = new.iter().map(PluginTransform::memory_bytes);
        Ok(Self {
            comparison,
            memory_bytes: memory.max().unwrap_or_default(),
        })
    }

    /// Whether both did the same with every record, of which there were some.
    pub(super) fn is_same(&self) -> bool {
        let Comparison {
            records,
            differing,
            passed_over,
            ..
        } = &self.comparison;
        *records > 0 && (*differing, *passed_over) == (0, 0)
    }

    /// Why the candidate must not get live records.
    pub(super) fn objection(&self, policy: &SwapSpec) -> Option<String> {
        let Comparison {
            records,
            failed,
            failure,
            old,
            new,
            ..
        } = &self.comparison;
        if let Some(failure) = failure {
            return Some(format!(
                "it fails on {failed} of the last batches, which the present version bears: {failure}"
            ));
        }
        let more = policy.rejected_per_million_max;
        let beyond = new.rejected.saturating_sub(old.rejected);
        if beyond * 1_000_000 > more * (*records).max(RECORDS_MIN) {
            return Some(format!(
                "it refuses {} of the last {records} records, the present version {}; \
                 swap.rejected_per_million_max allows {more} of a million more",
                new.rejected, old.rejected
            ));
        }
        let record_nanos_max = self.record_nanos_max(policy)?;
        (*records >= RECORDS_MIN && new.record_nanos(*records) > record_nanos_max).then(|| {
            format!(
                "it takes {} ns a record, the present version {}; swap.slower_max allows {} times that",
                new.record_nanos(*records),
                old.record_nanos(*records),
                policy.slower_max
            )
        })
    }

    fn record_nanos_max(&self, policy: &SwapSpec) -> Option<u64> {
        let Comparison { records, old, .. } = &self.comparison;
        let known = *records >= RECORDS_MIN && policy.slower_max > 0;
        let present = old.record_nanos(*records).max(RECORD_NANOS_MIN);
        known.then(|| present.saturating_mul(policy.slower_max))
    }

    /// What the candidate may cost on probation.
    pub(super) fn trial_limits(&self, policy: &SwapSpec) -> TrialLimits {
        TrialLimits {
            rejected_per_million_max: policy.rejected_per_million_max,
            record_nanos_max: self.record_nanos_max(policy),
        }
    }

    /// For a script.
    pub(super) fn json(&self) -> Value {
        let Comparison {
            records,
            differing,
            differences,
            passed_over,
            failed,
            failure,
            old,
            new,
            ..
        } = &self.comparison;
        let cost = |cost: &tamis_core::shadow::Cost| {
            json!({
                "rejected": cost.rejected,
                "dropped": cost.dropped,
                "ns_per_record": cost.record_nanos(*records),
            })
        };
        json!({
            "records": records,
            "differing": differing,
            "differences": differences.iter().map(Self::difference).collect::<Vec<_>>(),
            "batches_passed_over": passed_over,
            "batches_failed": failed,
            "failure": failure,
            "old": cost(old),
            "new": cost(new),
            "memory_bytes": self.memory_bytes,
        })
    }

    fn difference(difference: &Difference) -> Value {
        let Difference {
            topic,
            partition,
            offset,
            old,
            new,
        } = difference;
        json!({
            "record": format!("{topic}/{partition}/{offset}"),
            "said": difference::of_record(old, new),
        })
    }
}

fn each(stages: &mut [PluginTransform]) -> Vec<&mut dyn Transform> {
    let each = stages.iter_mut();
    each.map(|stage| stage as &mut dyn Transform).collect()
}

impl fmt::Display for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison {
            records,
            differing,
            passed_over,
            failed,
            old,
            new,
            ..
        } = &self.comparison;
        if *records == 0 && *failed == 0 {
            return f.write_str("no records yet to try it on");
        }
        write!(
            f,
            "{records} records: {differing} decided otherwise, {failed} batches failed; \
             {} ns a record, before {}; {} MiB of memory",
            new.record_nanos(*records),
            old.record_nanos(*records),
            self.memory_bytes.div_ceil(1 << 20),
        )?;
        if *passed_over > 0 {
            write!(
                f,
                "; {passed_over} batches say nothing, since the present version fails on them"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tamis_core::shadow::Cost;

    use super::*;

    fn shadow(records: u64, old_rejected: u64, new_rejected: u64) -> Shadow {
        let cost = |rejected| Cost {
            rejected,
            dropped: 0,
            nanos: 0,
        };
        let mut comparison = Comparison::new(0);
        comparison.records = records;
        comparison.old = cost(old_rejected);
        comparison.new = cost(new_rejected);
        Shadow {
            comparison,
            memory_bytes: 0,
        }
    }

    fn policy() -> SwapSpec {
        SwapSpec {
            rejected_per_million_max: 10_000,
            ..SwapSpec::default()
        }
    }

    #[test]
    fn in_the_shadow_both_have_the_same_records_so_what_one_refuses_beyond_the_other_counts() {
        for (records, old_rejected, new_rejected, objects) in [
            (0, 0, 0, false),
            (3, 0, 1, false),
            (3, 0, 2, true),
            (3, 1, 2, false),
            (10, 5, 10, true),
            (300, 7, 10, false),
            (300, 7, 11, true),
            (300, 7, 0, false),
        ] {
            let objection = shadow(records, old_rejected, new_rejected).objection(&policy());
            let case = (records, old_rejected, new_rejected);
            assert_eq!(objection.is_some(), objects, "{case:?}");
        }
    }
}
