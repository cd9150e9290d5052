//! What it costs to hand a batch to a plugin and back, in nanoseconds for each record.
//!
//! usage: tests/hostile/build && cargo run --release -p tamis-host --example boundary
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a stopwatch that is read by people"
)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::transform::Transform;
use tamis_host::{Engine, Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform};

const RECORDS: u32 = 1_024;
const VALUE: &[u8; 220] = &[b'v'; 220];
const BATCHES: u32 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new()?;
    let (noop, hostile) = (load(&engine, "noop")?, load(&engine, "hostile")?);
    measure("every record is kept, no metadata", &noop, "")?;
    measure("every record is kept, all metadata", &hostile, "obey")?;
    measure("every record is replaced, all metadata", &hostile, "count")?;
    Ok(())
}

fn load(engine: &Engine, guest: &str) -> Result<Arc<Plugin>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/hostile");
    let path = folder.join(guest).with_extension("wasm");
    Ok(Arc::new(Plugin::load(engine, &path, Grants::default())?))
}

/// The best of five rounds, since the machine has other things to do.
fn measure(what: &str, plugin: &Arc<Plugin>, action: &str) -> Result<(), Box<dyn Error>> {
    let limits = PluginLimits {
        memory_bytes_max: 64 << 20,
        batch_time: Duration::from_secs(1),
        output_bytes_max: 16 << 20,
        outputs_per_record_max: 16,
        search_time: Duration::from_secs(10),
    };
    let settings = format!(r#"{{"do": "{action}"}}"#);
    let stop = OnQuarantine::Stop;
    let mut stage = PluginTransform::new(Arc::clone(plugin), "noop", settings, limits, stop)?;
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let mut spent = Duration::ZERO;
        for _ in 0..BATCHES {
            let mut batch = batch();
            let start = Instant::now();
            stage.apply(&mut batch)?;
            spent += start.elapsed();
        }
        best = best.min(spent);
    }
    let each = best.as_secs_f64() * 1e9 / f64::from(BATCHES * RECORDS);
    println!("{each:6.1} ns a record: {what}");
    Ok(())
}

fn batch() -> Batch {
    let partition = Partition {
        source: "src".into(),
        topic: "logs".into(),
        number: 0,
        split: 0,
    };
    let mut builder = BatchBuilder::new(Arc::new(partition), 1_024, 1_024 * VALUE.len());
    for offset in 0..u64::from(RECORDS) {
        builder.push(offset, 0, None, Some(VALUE), b"");
    }
    builder.finish(u64::from(RECORDS))
}
