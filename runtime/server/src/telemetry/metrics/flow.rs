//! From the source through the lanes.

use tamis_core::snapshot::{Lane, Partition};

use super::{of_each, seconds_of_ms, seconds_of_ns};
use crate::telemetry::Status;
use crate::telemetry::exposition::{Exposition, Kind};

pub(super) fn write(text: &mut Exposition, all: &[Status]) {
    source(text, all);
    in_flight(text, all);
    partitions(text, all);
    lanes(text, all);
}

fn source(text: &mut Exposition, all: &[Status]) {
    let records = (
        Kind::Counter,
        "tamis_source_records_total",
        "Records taken from the source",
    );
    of_each(text, all, records, |it| Some(it.snapshot.source.records));
    let bytes = (
        Kind::Counter,
        "tamis_source_bytes_total",
        "Bytes of their keys, values and headers",
    );
    of_each(text, all, bytes, |it| Some(it.snapshot.source.bytes));
    let mut waited = text.family(
        Kind::Counter,
        "tamis_source_waited_seconds_total",
        "Time that batches of the source waited: for room in flight, for lanes, for commits of runs",
    );
    for it in all {
        let source = &it.snapshot.source;
        for (what, ns) in [
            ("room", source.waited_for_room_ns),
            ("lanes", source.waited_for_lanes_ns),
            ("commits", source.waited_for_commits_ns),
        ] {
            let labels = [("pipeline", &*it.pipeline), ("for", what)];
            waited.sample(&labels, seconds_of_ns(ns));
        }
    }
    let lag = (
        Kind::Gauge,
        "tamis_source_lag_offsets",
        "Offsets between the checkpoints of all partitions and the ends of their logs; bytes for files",
    );
    of_each(text, all, lag, |it| it.snapshot.source.lag);
    let partitions = (
        Kind::Gauge,
        "tamis_source_partitions",
        "Partitions that are read by this process",
    );
    of_each(text, all, partitions, |it| {
        Some(it.snapshot.source.partitions)
    });
    let answered = (
        Kind::Gauge,
        "tamis_source_answered_age_seconds",
        "Time since the brokers gave an answer",
    );
    of_each(text, all, answered, |it| {
        let contact = it.snapshot.source.contact.as_ref()?;
        contact.answered_ms_ago.map(seconds_of_ms)
    });
    let member = (
        Kind::Gauge,
        "tamis_source_member_age_seconds",
        "Time since it was last known to be a member of its group as it is",
    );
    of_each(text, all, member, |it| {
        let contact = it.snapshot.source.contact.as_ref()?;
        contact.member_ms_ago.map(seconds_of_ms)
    });
}

fn in_flight(text: &mut Exposition, all: &[Status]) {
    let bytes = (
        Kind::Gauge,
        "tamis_in_flight_bytes",
        "Bytes of batches that were taken and that a lane or a sink still has",
    );
    of_each(text, all, bytes, |it| Some(it.snapshot.in_flight.bytes));
    let limit = (
        Kind::Gauge,
        "tamis_in_flight_limit_bytes",
        "The most that they may be",
    );
    of_each(text, all, limit, |it| Some(it.snapshot.in_flight.bytes_max));
    let unsettled = (
        Kind::Gauge,
        "tamis_unsettled_batches",
        "Batches that are not settled, and runs that are not committed",
    );
    of_each(text, all, unsettled, |it| {
        Some(it.snapshot.in_flight.unsettled)
    });
}

fn partitions(text: &mut Exposition, all: &[Status]) {
    type Number = fn(&Partition) -> Option<u64>;
    let families: [(&'static str, &str, Number); 5] = [
        (
            "tamis_partition_lag_offsets",
            "Offsets between the checkpoint and the end of the log; bytes for a file",
            |it| it.lag,
        ),
        (
            "tamis_partition_checkpoint_offset",
            "The offset before which all is settled",
            |it| it.checkpoint,
        ),
        (
            "tamis_partition_committed_offset",
            "What of that is committed",
            |it| it.committed,
        ),
        (
            "tamis_partition_log_end_offset",
            "The end of the log, as it was last known",
            |it| it.log_end,
        ),
        (
            "tamis_partition_unsettled_batches",
            "Batches that are not settled",
            |it| Some(it.unsettled),
        ),
    ];
    for (name, help, number) in families {
        let mut family = text.family(Kind::Gauge, name, help);
        for it in all {
            for partition in &it.snapshot.partitions {
                let Some(value) = number(partition) else {
                    continue;
                };
                let (number, split) =
                    (partition.partition.to_string(), partition.split.to_string());
                let labels = [
                    ("pipeline", &*it.pipeline),
                    ("topic", &partition.topic),
                    ("partition", &number),
                    ("split", &split),
                ];
                family.sample(&labels, value);
            }
        }
    }
}

fn lanes(text: &mut Exposition, all: &[Status]) {
    type Number = fn(&Lane) -> f64;
    let families: [(Kind, &'static str, &str, Number); 4] = [
        (
            Kind::Counter,
            "tamis_lane_batches_total",
            "Batches that a lane is done with",
            |it| it.batches as f64,
        ),
        (
            Kind::Gauge,
            "tamis_lane_inbox_batches",
            "Batches that wait in front of a lane",
            |it| it.inbox as f64,
        ),
        (
            Kind::Gauge,
            "tamis_lane_inbox_limit_batches",
            "How many may",
            |it| it.inbox_max as f64,
        ),
        (
            Kind::Gauge,
            "tamis_lane_busy_seconds",
            "How long a lane works on the batch that it has; 0 without one",
            |it| seconds_of_ms(it.busy_ms.unwrap_or_default()),
        ),
    ];
    for (kind, name, help, number) in families {
        let mut family = text.family(kind, name, help);
        for it in all {
            for (index, lane) in it.snapshot.lanes.iter().enumerate() {
                let index = index.to_string();
                let labels = [("pipeline", &*it.pipeline), ("lane", &index)];
                family.sample(&labels, number(lane));
            }
        }
    }
}
