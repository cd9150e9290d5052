//! What plugins cost a record: handing batches over, and looking into records, in the sandbox, natively, and as a
//! plain program would do it. One thread does it, and its CPU time counts.

mod alone;
mod languages;
mod sides;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tamis_core::tap::Tap;
use tamis_host::{Engine, Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform};

use crate::REPETITIONS;
use crate::data::Place;
use crate::digest::{By, Digest};
use crate::report::{Bar, Report, Times};
use crate::stopwatch;
use crate::variants::variants;
use sides::{Native, Pass, Plain, Sandbox, Side};

/// For what takes so little that one pass is soon over.
const BOUNDARY_REPETITIONS: usize = 10;
/// So many that their time can be seen.
const TAP_BATCHES: usize = 10_000_000;
const LEVEL: &str = r#"{"minimum":"info"}"#;
const ENRICH: &str = r#"{"set":{"env":"prod"},"level":{"from":"/Type","to":"/level"},
    "timestamp":{"from":"/Time","zone":"Asia/Shanghai","to":"/@timestamp"}}"#;
const LIMITS: PluginLimits = PluginLimits {
    memory_bytes_max: 64 << 20,
    batch_time: Duration::from_secs(1),
    output_bytes_max: 64 << 20,
    outputs_per_record_max: 1_000,
    search_time: Duration::from_secs(10),
};

/// Adds the rows of all this, measured with `records` usual records.
pub(crate) fn measure(place: &Place, records: usize, report: &mut Report) -> Result<()> {
    let engine = Engine::new()?;
    let usual = place.logs(records, false)?.lines(records)?;
    let noop = stage(&engine, place, "target/bench/noop.wasm", "{}")?;
    boundary(&mut Sandbox(vec![noop]), &usual, report)?;
    tap_off(report)?;

    let mut sides = Sides {
        sandbox: Sandbox(vec![
            stage(
                &engine,
                place,
                "plugins/level-filter/level-filter.wasm",
                LEVEL,
            )?,
            stage(&engine, place, "plugins/enrich/enrich.wasm", ENRICH)?,
        ]),
        native: Native::new(LEVEL, ENRICH)?,
        plain: Plain::new()?,
    };
    let taken = sides.measure(&usual).context("usual records")?;
    report.ns_per_record("view.wasm", records, &taken.wasm, Some(Bar::AtMost(350.0)));
    report.ns_per_record("view.native", records, &taken.native, None);
    report.ns_per_record("view.serde", records, &taken.plain, None);
    let ratio = taken.native.best() / taken.wasm.best();
    report.value("view.native_ratio", ratio, Some(Bar::AtLeast(0.8)));
    report.ns_per_record("first_plugin", records, &taken.first, None);
    report.ns_per_record(
        "second_plugin",
        taken.reached,
        &taken.second,
        Some(Bar::AtMost(300.0)),
    );

    alone::measure(&engine, place, &usual[..records.min(50_000)], report)?;
    languages::measure(&engine, place, &usual, report)?;

    let mut all = variants(&usual)?;
    let odd = place.logs(records.min(50_000), true)?.lines(records)?;
    all.push(("odd", odd.into_iter().filter(|it| is_object(it)).collect()));
    for (name, records) in all {
        let taken = sides.measure(&records).context(name)?;
        for (side, times) in [
            ("wasm", taken.wasm),
            ("native", taken.native),
            ("serde", taken.plain),
        ] {
            report.ns_per_record(&format!("view.{side}.{name}"), records.len(), &times, None);
        }
    }
    Ok(())
}

fn is_object(record: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(record).is_ok_and(|value| value.is_object())
}

fn stage(engine: &Engine, place: &Place, file: &str, settings: &str) -> Result<PluginTransform> {
    let plugin = Arc::new(Plugin::load(engine, &place.file(file), Grants::default())?);
    let settings = settings.to_owned();
    Ok(PluginTransform::new(
        plugin,
        file,
        settings,
        LIMITS,
        OnQuarantine::Stop,
    )?)
}

fn boundary(sandbox: &mut Sandbox, usual: &[Vec<u8>], report: &mut Report) -> Result<()> {
    let mut times = Times::default();
    for _ in 0..BOUNDARY_REPETITIONS {
        let pass = sandbox.pass(usual)?;
        ensure!(
            pass.out.len() == bytes(usual),
            "a plugin that keeps all has kept something else"
        );
        times.push(pass.first);
    }
    report.ns_per_record("boundary", usual.len(), &times, Some(Bar::AtMost(25.0)));
    Ok(())
}

/// What every batch pays for that someone could look at it by `tamis tap`, while no one does.
fn tap_off(report: &mut Report) -> Result<()> {
    let (tap, mut times) = (Tap::default(), Times::default());
    for _ in 0..BOUNDARY_REPETITIONS {
        let looks = || (0..TAP_BATCHES).filter(|_| black_box(&tap).is_on()).count();
        let (looked, time) = stopwatch::work(looks);
        ensure!(looked == 0, "no one looks");
        times.push(time);
    }
    let ns = times.best() * 1e9 / TAP_BATCHES as f64;
    report.value("tap.off.ns_per_batch", ns, Some(Bar::AtMost(5.0)));
    Ok(())
}

/// With a line feed each.
fn bytes(records: &[Vec<u8>]) -> usize {
    records.iter().map(|record| record.len() + 1).sum()
}

/// Those who do the same job.
struct Sides {
    sandbox: Sandbox,
    native: Native,
    plain: Plain,
}

/// What they took.
#[derive(Default)]
struct Taken {
    wasm: Times,
    first: Times,
    second: Times,
    native: Times,
    plain: Times,
    /// Records that the second plugin saw.
    reached: usize,
}

impl Sides {
    /// Each side in turn, so that a bad moment of the machine meets all of them.
    fn measure(&mut self, records: &[Vec<u8>]) -> Result<Taken> {
        self.compare(records)?;
        let mut taken = Taken::default();
        for _ in 0..REPETITIONS {
            let wasm = self.sandbox.pass(records)?;
            taken.wasm.push(wasm.first + wasm.second);
            taken.first.push(wasm.first);
            taken.second.push(wasm.second);
            taken.reached = wasm.reached;
            let native = self.native.pass(records)?;
            taken.native.push(native.first + native.second);
            taken.plain.push(self.plain.pass(records)?.first);
        }
        Ok(taken)
    }

    /// The same code has to make the same bytes everywhere; another program the same values.
    fn compare(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let digest = |pass: &Pass, by| Digest::of_lines(&pass.out, by);
        let sandbox = self.sandbox.pass(records)?;
        let native = self.native.pass(records)?;
        let same = digest(&sandbox, By::Bytes)? == digest(&native, By::Bytes)?;
        ensure!(
            same,
            "the sandbox and the native code differ in what they make of the records"
        );
        let plain = self.plain.pass(records)?;
        let same = digest(&sandbox, By::Value)? == digest(&plain, By::Value)?;
        ensure!(
            same,
            "the plugins and serde_json differ in what they make of the records"
        );
        Ok(())
    }
}
