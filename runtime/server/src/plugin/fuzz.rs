//! `tamis plugin fuzz`: looks for records that a compiled plugin fails on.

mod mutate;
mod save;
mod shrink;

use std::time::Duration;

use anyhow::{Result, anyhow};
use tamis_host::{Failure, PluginTransform};

use self::mutate::Mutator;
use self::shrink::Budget;
use super::records::{self, Record};
use super::{guest, now};
use crate::cli::CompilerOptions;
use crate::cli::plugin::FuzzArguments;
use crate::compiler;
use crate::dead::plain;
use crate::exit::{self, Exit};

/// Records that one fresh instance sees: enough for what one leaves behind for the next, few enough to make it small.
const TOGETHER: u64 = 256;
/// How long a failure may be made smaller.
const SHRINK: Budget = Budget {
    tries: 5_000,
    time: Duration::from_secs(20),
};

pub(super) fn run(arguments: &FuzzArguments, options: &CompilerOptions) -> Exit {
    exit::of(fuzz(arguments, options))
}

fn fuzz(arguments: &FuzzArguments, options: &CompilerOptions) -> Result<Exit> {
    let engine = compiler::engine(options)?;
    let plugin = guest::load(&engine, &arguments.file)?;
    let settings = arguments.settings.as_deref();
    let mut stage = guest::started(&plugin, &arguments.file, settings)?;
    let examples = match &arguments.input {
        Some(input) => records::read(input)?,
        None => Vec::new(),
    };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let wants = plugin.description().wants;
    let mut mutator = Mutator::new(seed, examples, &guest::settings(settings)?, wants);

    let start = now();
    let (end, all) = (
        start + Duration::from_secs(arguments.seconds),
        arguments.inputs.unwrap_or(u64::MAX),
    );
    let mut tried = 0;
    while tried < all && now() < end {
        let count = TOGETHER.min(all - tried);
        let records: Vec<_> = (0..count).map(|_| mutator.record()).collect();
        tried += count;
        for range in guest::batches(&records) {
            let batch = &records[range];
            // Started anew for each, so that what is found is found again.
            let failure = guest::failure(&mut stage, batch)
                .map_err(|error| anyhow!("a fresh instance was refused: {error}"))?;
            if let Some(failure) = failure {
                return found(arguments, &mut stage, batch, &failure, seed, tried);
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let said = format!("seed {seed}: {tried} records in {seconds:.1} s, and none that it fails on");
    Ok(crate::print(&said))
}

/// Makes what it fails on smaller and saves it.
fn found(
    arguments: &FuzzArguments,
    stage: &mut PluginTransform,
    records: &[Record],
    first: &Failure,
    seed: u64,
    tried: u64,
) -> Result<Exit> {
    let words = plain(&first.to_string());
    let said = format!("seed {seed}: it fails within the first {tried} records: {words}");
    let heard = crate::print(&said);
    let bytes = |records: &[Record]| records.iter().map(|it| it.line(false).len()).sum::<usize>();
    let mut last = first.clone();
    let small = shrink::shrink(records.to_vec(), SHRINK, |records| {
        // A failure of another kind would be another one's.
        match guest::failure(stage, records) {
            Ok(Some(failure)) if same_kind(&failure, first) => {
                last = failure;
                true
            }
            Ok(_) | Err(_) => false,
        }
    });
    let folder = match &arguments.cases {
        Some(folder) => folder.clone(),
        None => arguments.file.with_file_name("cases"),
    };
    let case = save::save(&folder, &small, arguments.settings.as_deref())?;
    let said = format!(
        "smallest: {} of {} records, {} of {} bytes: {}\nsaved; once it is mended, this is ok: tamis plugin test {} {}",
        small.len(),
        records.len(),
        bytes(&small),
        bytes(records),
        plain(&last.to_string()),
        arguments.file.display(),
        case.display()
    );
    Ok(heard.max(crate::print(&said)).max(Exit::Failed))
}

fn same_kind(one: &Failure, other: &Failure) -> bool {
    std::mem::discriminant(&one.cause) == std::mem::discriminant(&other.cause)
        && one.message.is_some() == other.message.is_some()
}
