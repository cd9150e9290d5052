//! What happened between two looks at a pipeline.

use tamis_core::snapshot::{Latency, Plugin, Snapshot, Store};

/// Two looks, of which there may be but the last one.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    pub(super) before: Option<&'a Snapshot>,
    pub(super) now: &'a Snapshot,
}

impl Between<'_> {
    pub(super) fn millis(&self) -> Option<u64> {
        let before = self.before?.uptime_ms;
        self.now.uptime_ms.checked_sub(before).filter(|ms| *ms > 0)
    }

    /// How much more a second.
    fn rate(&self, now: u64, before: Option<u64>) -> Option<f64> {
        let more = now.checked_sub(before?)?;
        Some(more as f64 * 1_000.0 / self.millis()? as f64)
    }

    /// How much a second of what `count` counts.
    pub(super) fn of(&self, count: impl Fn(&Snapshot) -> u64) -> Option<f64> {
        self.rate(count(self.now), self.before.map(&count))
    }

    /// The same plugin, in the same version, at the look before.
    pub(super) fn plugin(&self, plugin: &Plugin) -> Option<&Plugin> {
        let is_it = |it: &&Plugin| it.name == plugin.name && it.version == plugin.version;
        self.before?.plugins.iter().find(is_it)
    }

    pub(super) fn of_plugin(&self, plugin: &Plugin, count: impl Fn(&Plugin) -> u64) -> Option<f64> {
        // One that is new has counted nothing before.
        let before = self.before?;
        let earlier = before.plugins.iter();
        let earlier = earlier.filter(|it| it.name == plugin.name && it.version == plugin.version);
        self.rate(count(plugin), Some(earlier.map(&count).sum()))
    }

    /// Nanoseconds a record: of those between the looks, or else of all.
    pub(super) fn nanos(&self, plugin: &Plugin) -> Option<u64> {
        let before = self.plugin(plugin);
        let records = plugin.records - before.map_or(0, |it| it.records.min(plugin.records));
        let nanos = plugin.nanos - before.map_or(0, |it| it.nanos.min(plugin.nanos));
        let (records, nanos) = if records > 0 {
            (records, nanos)
        } else {
            (plugin.records, plugin.nanos)
        };
        nanos.checked_div(records)
    }

    /// The same sink at the look before.
    fn sink(&self, sink: &Store) -> Option<&Store> {
        let before = self.before?;
        let mut all = before.sinks.iter().chain(&before.dead_letters.stores);
        all.find(|it| it.name == sink.name)
    }

    pub(super) fn of_sink(&self, sink: &Store, count: impl Fn(&Store) -> u64) -> Option<f64> {
        self.rate(count(sink), self.sink(sink).map(&count))
    }

    /// How long requests took: those between the looks, or else all.
    pub(super) fn latency(&self, sink: &Store) -> Latency {
        let now = &sink.latency;
        let Some(before) = self.sink(sink).map(|it| &it.latency) else {
            return now.clone();
        };
        let is_like = now.buckets.len() == before.buckets.len() && now.count > before.count;
        if !is_like {
            return now.clone();
        }
        let buckets = now.buckets.iter().zip(&before.buckets);
        Latency {
            buckets: buckets
                .map(|((end, now), (_, before))| (*end, now.saturating_sub(*before)))
                .collect(),
            count: now.count - before.count,
            sum_us: now.sum_us.saturating_sub(before.sum_us),
        }
    }

    /// The share of the time between the looks in which something waited that counts its nanoseconds.
    pub(super) fn share(&self, nanos: impl Fn(&Snapshot) -> u64) -> f64 {
        self.of(nanos).map_or(0.0, |nanos| nanos / 1e9)
    }
}
