//! What goes into the stores: those of sinks, and those of dead letters.

use tamis_core::snapshot::Store;

use super::{of_each, seconds_of_ms, seconds_of_ns};
use crate::telemetry::Status;
use crate::telemetry::exposition::{Exposition, Kind};

type Number = fn(&Store) -> f64;

const FAMILIES: [(Kind, &str, &str, Number); 12] = [
    (
        Kind::Counter,
        "tamis_sink_records_total",
        "Records that a store took",
        |it| it.records as f64,
    ),
    (
        Kind::Counter,
        "tamis_sink_bytes_total",
        "Bytes of their keys, values and headers",
        |it| it.bytes as f64,
    ),
    (
        Kind::Counter,
        "tamis_sink_requests_total",
        "Requests that a store answered, or runs that were made safe",
        |it| it.requests as f64,
    ),
    (
        Kind::Counter,
        "tamis_sink_failures_total",
        "Requests without an answer, or with one that sent all away",
        |it| it.failures as f64,
    ),
    (
        Kind::Counter,
        "tamis_sink_retried_records_total",
        "Records that a store asked to send again",
        |it| it.retried as f64,
    ),
    (
        Kind::Gauge,
        "tamis_sink_under_way_requests",
        "Requests that have no answer yet",
        |it| it.under_way as f64,
    ),
    (
        Kind::Gauge,
        "tamis_sink_oldest_request_seconds",
        "How long the oldest of them waits; 0 without one",
        |it| seconds_of_ms(it.oldest_ms.unwrap_or_default()),
    ),
    (
        Kind::Gauge,
        "tamis_sink_away_seconds",
        "How long a store is away; 0 where it is not, as far as is known",
        |it| seconds_of_ms(it.away_ms.unwrap_or_default()),
    ),
    (
        Kind::Gauge,
        "tamis_sink_parking",
        "Whether the records of a store are parked",
        |it| f64::from(u8::from(it.parking)),
    ),
    (
        Kind::Gauge,
        "tamis_sink_inbox_parcels",
        "Parcels that wait in front of the writers of a store",
        |it| it.inbox as f64,
    ),
    (
        Kind::Gauge,
        "tamis_sink_inbox_limit_parcels",
        "How many may",
        |it| it.inbox_max as f64,
    ),
    (
        Kind::Counter,
        "tamis_sink_waited_seconds_total",
        "Time that lanes waited to hand something over to the writers of a store",
        |it| seconds_of_ns(it.waited_ns),
    ),
];

pub(super) fn write(text: &mut Exposition, all: &[Status]) {
    for (kind, name, help, number) in FAMILIES {
        let mut family = text.family(kind, name, help);
        for (labels, store) in each(all) {
            family.sample(&labels, number(store));
        }
    }
    let mut latency = text.family(
        Kind::Histogram,
        "tamis_sink_request_seconds",
        "How long requests took that a store answered; for files, until a run was safe",
    );
    for (labels, store) in each(all) {
        let it = &store.latency;
        latency.histogram(&labels, &it.buckets, it.count, it.sum_us);
    }
    letters(text, all);
}

fn letters(text: &mut Exposition, all: &[Status]) {
    let mut refused = text.family(
        Kind::Counter,
        "tamis_refused_records_total",
        "Records that became dead letters, by who refused them and what kind of reason there was",
    );
    for it in all {
        for by in &it.snapshot.dead_letters.refused {
            let labels = [
                ("pipeline", &*it.pipeline),
                ("stage", &by.stage),
                ("reason", &by.reason),
            ];
            refused.sample(&labels, by.records);
        }
    }
    let stored = (
        Kind::Counter,
        "tamis_dead_letters_total",
        "Dead letters that are stored",
    );
    of_each(text, all, stored, |it| {
        Some(it.snapshot.dead_letters.stored)
    });
    let parked = (
        Kind::Counter,
        "tamis_parked_records_total",
        "Records that are parked, since their store was away",
    );
    of_each(text, all, parked, |it| {
        Some(it.snapshot.dead_letters.parked)
    });
}

fn each(all: &[Status]) -> impl Iterator<Item = ([(&'static str, &str); 3], &Store)> {
    all.iter().flat_map(|it| {
        let (sinks, letters) = (&it.snapshot.sinks, &it.snapshot.dead_letters.stores);
        let sinks = sinks.iter().map(|store| ("sink", store));
        let both = sinks.chain(letters.iter().map(|store| ("letters", store)));
        both.map(|(kind, store)| {
            let labels = [
                ("pipeline", &*it.pipeline),
                ("sink", &*store.name),
                ("kind", kind),
            ];
            (labels, store)
        })
    })
}
