//! Guests, batches, and a way to write down what became of them.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::transform::{Applied, Transform};
use tamis_host::{Engine, Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform};

/// The offset of the first record of each batch.
pub(crate) const FIRST: u64 = 100;

/// The bytes of a guest that `tests/hostile/build` made.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/hostile");
    std::fs::read(folder.join(format!("{name}.wasm")))
        .unwrap_or_else(|error| panic!("guest {name}: {error}; run tests/hostile/build"))
}

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// The guest that does what its settings say.
pub(crate) fn hostile() -> Arc<Plugin> {
    static PLUGIN: OnceLock<Arc<Plugin>> = OnceLock::new();
    let load = || {
        Plugin::from_bytes(
            engine(),
            "hostile.wasm",
            &guest("hostile"),
            Grants::default(),
        )
        .unwrap()
    };
    Arc::clone(PLUGIN.get_or_init(|| Arc::new(load())))
}

/// Tight ones, so that what runs into them is quick.
pub(crate) fn limits() -> PluginLimits {
    PluginLimits {
        memory_bytes_max: 16 << 20,
        batch_time: Duration::from_millis(100),
        output_bytes_max: 512 << 10,
        outputs_per_record_max: 4,
        search_time: Duration::from_secs(60),
    }
}

/// The guest that does `action`, started.
pub(crate) fn stage(action: &str) -> PluginTransform {
    stage_within(action, limits(), OnQuarantine::Stop)
}

pub(crate) fn stage_within(
    action: &str,
    limits: PluginLimits,
    on_quarantine: OnQuarantine,
) -> PluginTransform {
    let settings = format!(r#"{{"do": "{action}"}}"#);
    PluginTransform::new(hostile(), "guest", settings, limits, on_quarantine).unwrap()
}

/// One record for each value, with a key, a header and a time.
pub(crate) fn batch(values: &[&str]) -> Batch {
    batch_at(&(FIRST..).zip(values.iter().copied()).collect::<Vec<_>>())
}

pub(crate) fn batch_at(records: &[(u64, &str)]) -> Batch {
    let partition = Partition {
        source: "src".into(),
        topic: "logs".into(),
        number: 3,
        split: 0,
    };
    let mut headers = Vec::new();
    tamis_core::headers::push(&mut headers, "a", Some(b"b"));
    let mut builder = BatchBuilder::new(Arc::new(partition), records.len(), 1024);
    for (offset, value) in records {
        builder.push(*offset, 7, Some(b"key"), Some(value.as_bytes()), &headers);
    }
    builder.finish(records.last().unwrap().0 + 1)
}

/// The rows that are left, as `offset/number value`.
pub(crate) fn rows(batch: &Batch) -> Vec<String> {
    let row = |row: &tamis_core::batch::Row| {
        let value = batch
            .bytes(row.value)
            .map_or("(none)".into(), String::from_utf8_lossy);
        format!("{}/{} {value}", row.offset, row.number)
    };
    batch.rows().iter().map(row).collect()
}

/// The refused rows, as `offset/number reason`.
pub(crate) fn rejected(applied: &Applied) -> Vec<String> {
    let rejected = applied.rejected.iter();
    rejected
        .map(|one| format!("{}/{} {}", one.offset, one.number, one.reason))
        .collect()
}

/// Runs `batch` through `stage`, which must not give up.
pub(crate) fn apply(stage: &mut PluginTransform, batch: &mut Batch) -> Applied {
    let mut applied = stage.apply(batch).unwrap();
    std::mem::take(&mut applied.said).say(batch);
    applied
}
