//! The records that everything is measured with: made once by `tests/data/logs.py`, then kept in `target/bench/data`.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where the project and what the benchmark leaves behind lie.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    work: PathBuf,
}

/// A file of generated records.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its records, one a line.
    pub(crate) records: usize,
    /// Names what is in it: another one when the generator changes.
    pub(crate) hash: u64,
}

impl Place {
    /// The project that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let work = root.join("target/bench");
        fs::create_dir_all(work.join("data"))?;
        Ok(Self { root, work })
    }

    /// A file of the project.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A file or folder below `target/bench`.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// `records` of `logs.py`; `odd` as real fleets send them.
    pub(crate) fn logs(&self, records: usize, odd: bool) -> Result<Data> {
        let folder = self.file("tests/data");
        let mut hasher = DefaultHasher::new();
        for script in ["logs.py", "odd.py"] {
            fs::read(folder.join(script))
                .with_context(|| script.to_owned())?
                .hash(&mut hasher);
        }
        (records, odd).hash(&mut hasher);
        let hash = hasher.finish();
        let path = self.work(&format!("data/{hash:016x}.ndjson"));
        if !path.is_file() {
            let beside = path.with_extension("new");
            let mut python = Command::new("python3");
            python.arg(folder.join("logs.py")).arg(records.to_string());
            if odd {
                python.arg("--odd");
            }
            let status = python
                .stdout(File::create(&beside)?)
                .status()
                .context("python3")?;
            ensure!(status.success(), "logs.py failed ({status})");
            fs::rename(&beside, &path)?;
        }
        Ok(Data {
            path,
            records,
            hash,
        })
    }
}

impl Data {
    /// The first records, at most `count`.
    pub(crate) fn lines(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        let lines = BufReader::with_capacity(1 << 20, File::open(&self.path)?).split(b'\n');
        Ok(lines.take(count).collect::<Result<_, _>>()?)
    }

    /// A file with only the first `count` of them.
    pub(crate) fn head(&self, count: usize) -> Result<Data> {
        let path = self.path.with_extension(format!("{count}.ndjson"));
        if !path.is_file() {
            let beside = path.with_extension("new");
            let mut file = BufWriter::new(File::create(&beside)?);
            for line in self.lines(count)? {
                file.write_all(&line)?;
                file.write_all(b"\n")?;
            }
            file.into_inner()
                .map_err(|error| error.into_error())?
                .sync_all()?;
            fs::rename(&beside, &path)?;
        }
        Ok(Data {
            path,
            records: count.min(self.records),
            hash: self.hash,
        })
    }
}
