use tamis_core::snapshot::{Partition, Snapshot, Unready};

use super::*;

fn status(pipeline: &str) -> Status {
    let unready = Unready {
        cause: Cause::Starting,
        what: "a word that no metric has".into(),
    };
    Status {
        pipeline: pipeline.into(),
        snapshot: Snapshot::not_begun(unready),
        is_complete: false,
        deployed: Vec::new(),
        on_probation: None,
        waiting: None,
    }
}

#[test]
fn each_family_stands_once_whatever_there_is_of_pipelines() {
    let mut one = status("one");
    one.snapshot.partitions = (0..2)
        .map(|partition| Partition {
            topic: "orders".into(),
            partition,
            split: 0,
            lane: 0,
            next: None,
            checkpoint: Some(7),
            committed: None,
            log_end: None,
            lag: None,
            unsettled: 0,
        })
        .collect();
    let text = of(&[one, status("two")]);
    let mut families: Vec<_> = text
        .lines()
        .filter_map(|it| it.strip_prefix("# TYPE "))
        .collect();
    let all = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), all);
    let has = |line: &str| {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in\n{text}"
        )
    };
    has("tamis_pipeline_ready{pipeline=\"two\"} 0");
    has("tamis_pipeline_unready{pipeline=\"one\",cause=\"starting\"} 1");
    has("tamis_pipeline_unready{pipeline=\"one\",cause=\"lane_stuck\"} 0");
    has("tamis_pipeline_state{pipeline=\"one\",state=\"starting\"} 1");
    has(
        "tamis_partition_checkpoint_offset{pipeline=\"one\",topic=\"orders\",partition=\"1\",split=\"0\"} 7",
    );
    // What is not known is left out.
    assert!(!text.contains("tamis_partition_lag_offsets{"), "{text}");
    assert!(!text.contains("a word"), "{text}");
}
