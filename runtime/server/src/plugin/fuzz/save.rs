//! A case of what was found.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::plugin::records::Record;

/// Writes a case of `records`, which the plugin must not fail on, into `folder`. The same ones have the same name.
pub(super) fn save(folder: &Path, records: &[Record], settings: Option<&Path>) -> Result<PathBuf> {
    let whole = !records.iter().all(Record::is_plain);
    let mut lines = Vec::new();
    for record in records {
        lines.extend(record.line(whole));
        lines.push(b'\n');
    }
    let mut hash = DefaultHasher::new();
    lines.hash(&mut hash);
    let case = folder.join(format!("fuzz-{:016x}", hash.finish()));
    let write = || {
        fs::create_dir_all(&case)?;
        let name = if whole { "in.records" } else { "in.ndjson" };
        fs::write(case.join(name), &lines)?;
        if let Some(settings) = settings {
            fs::copy(settings, case.join("settings.yaml"))?;
        }
        std::io::Result::Ok(())
    };
    write().with_context(|| {
        format!(
            "cannot write {}; name another folder with --cases",
            case.display()
        )
    })?;
    Ok(case)
}
