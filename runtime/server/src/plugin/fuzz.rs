//! `tamis plugin fuzz`: looks for records that a compiled plugin fails on.

mod mutate;
mod save;
mod shrink;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::Value;
use tamis_host::{Failure, PluginTransform};

use self::mutate::Mutator;
use self::shrink::Budget;
use super::records::{self, Record};
use super::{guest, now};
use crate::cli::CompilerOptions;
use crate::cli::plugin::FuzzArguments;
use crate::compiler;
use crate::dead::plain;
use crate::exit::{self, Exit, Misuse};

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
    let settings = arguments.settings.as_deref();
    let written = written(settings)?;
    let engine = compiler::engine(options)?;
    let plugin = guest::load(&engine, &arguments.file)?;
    let mut stage = guest::started(&plugin, &arguments.file, settings)?;
    let examples = match &arguments.input {
        Some(input) => records::read(input)?,
        None => Vec::new(),
    };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let wants = plugin.description().wants;
    let mut mutator = Mutator::new(seed, examples, &written, wants);

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

/// The settings in the file at `path` as they are written there: their words come into records that are kept, where no secret
/// may be.
fn written(path: Option<&Path>) -> Result<Value> {
    let written = Value::Object(guest::settings(path)?.written);
    if let (Some(path), Some(name)) = (path, save::relative_file(&written)) {
        let path = path.display();
        return Err(Misuse(format!(
            "{path}: a case has a folder of its own, where ${{file:{name}}} is another file; write its whole path, from / on"
        ))
        .into());
    }
    Ok(written)
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
    let small = shrink::shrink(records.to_vec(), SHRINK, now, |records| {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use tamis_host::Wants;

    use super::*;

    #[test]
    fn no_secret_comes_into_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, path) = (folder.path().join("secret"), folder.path().join("s.yaml"));
        fs::write(&secret, "hunter2\n").unwrap();
        let text = format!("password: '${{file:{}}}'\n", secret.display());
        fs::write(&path, text).unwrap();
        let expanded = guest::settings(Some(&path)).unwrap().expanded;
        assert_eq!(expanded["password"], "hunter2");

        let settings = written(Some(&path)).unwrap();
        let mut mutator = Mutator::new(1, Vec::new(), &settings, Wants::default());
        let values: Vec<_> = (0..2_000).filter_map(|_| mutator.record().value).collect();
        let has = |word: &[u8]| {
            let mut values = values.iter();
            values.any(|value| value.windows(word.len()).any(|part| part == word))
        };
        assert!(has(b"password") && !has(b"hunter2"));
    }
}
