//! A case: a folder with settings, records, and what must come of them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tamis_host::{Plugin, StartError};

use super::{diff, wrong};
use crate::plugin::guest::{self, Outcome};
use crate::plugin::records::{self, Record};

const SETTINGS: &str = "settings.yaml";
const IN: [&str; 2] = ["in.ndjson", "in.records"];
const OUT: [&str; 2] = ["out.ndjson", "out.records"];
const ERROR: &str = "error.txt";

/// One folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case(PathBuf);

/// The case that the folder at `path` is, or those that it has, by name.
pub(super) fn find(path: &Path) -> Result<Vec<Case>> {
    let is_case = |folder: &Path| {
        let mut files = IN.into_iter().chain([SETTINGS, ERROR]);
        files.any(|file| folder.join(file).is_file())
    };
    if is_case(path) {
        return Ok(vec![Case(path.to_owned())]);
    }
    let entries = fs::read_dir(path).map_err(|error| {
        wrong(
            path,
            &format!("cannot be read: {error}; name the folder of a case, or one that has cases"),
        )
    })?;
    let mut cases = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        if is_case(&folder) {
            cases.push(Case(folder));
        }
    }
    if cases.is_empty() {
        let what = "there is no case; one is a folder with in.ndjson and out.ndjson, see `tamis plugin test --help`";
        return Err(wrong(path, what));
    }
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(cases)
}

impl Case {
    /// What `plugin` does otherwise than it says; nothing where all is well.
    pub(super) fn problems(&self, plugin: &Arc<Plugin>) -> Result<Vec<String>> {
        let settings = guest::settings(self.file(&[SETTINGS])?.as_deref())?;
        let (out, error) = (self.file(&OUT)?, self.file(&[ERROR])?);
        let records = self.records(error.is_some())?;
        let mut stage = match guest::start(plugin, &settings) {
            Ok(stage) => stage,
            Err(refused @ StartError::Settings { .. }) => {
                let said = vec![refused.to_string()];
                return self.compare_errors(error.as_deref(), said);
            }
            Err(failed @ StartError::Failed(_)) => return Ok(vec![failed.to_string()]),
        };
        if out.is_none() && error.is_none() {
            let failure =
                guest::failure(&mut stage, &records).map_err(|error| anyhow!("{self}: {error}"))?;
            return Ok(failure
                .into_iter()
                .map(|it| format!("it fails: {it}"))
                .collect());
        }
        let outcome = guest::apply(&mut stage, &records)?;
        let mut problems = compare_out(out.as_deref(), &outcome)?;
        problems.extend(self.compare_errors(error.as_deref(), outcome.refusals().collect())?);
        Ok(problems)
    }

    /// The first of the files with these names that is there; two of them would contradict each other.
    fn file(&self, names: &[&str]) -> Result<Option<PathBuf>> {
        let there = names.iter().map(|name| self.0.join(name));
        let there: Vec<_> = there.filter(|path| path.is_file()).collect();
        match there.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            [..] => Err(wrong(
                &self.0,
                &format!("has both {}; remove one", names.join(" and ")),
            )),
        }
    }

    /// Settings that are refused see no records.
    fn records(&self, may_be_missing: bool) -> Result<Vec<Record>> {
        match self.file(&IN)? {
            Some(path) => records::read(&path),
            None if may_be_missing => Ok(Vec::new()),
            None => Err(wrong(
                &self.0,
                "has no in.ndjson; write a record on each line of it",
            )),
        }
    }

    fn compare_errors(&self, expected: Option<&Path>, said: Vec<String>) -> Result<Vec<String>> {
        let said: Vec<_> = said.into_iter().map(String::into_bytes).collect();
        match expected {
            Some(path) => Ok(diff::lines(path, &records::lines(path)?, &said)),
            None => Ok(diff::lines(&self.0.join(ERROR), &[], &said)),
        }
    }
}

/// How the records that go on differ from those in the file `expected`; without one nothing must.
pub(super) fn compare_out(expected: Option<&Path>, outcome: &Outcome) -> Result<Vec<String>> {
    let whole = expected.is_some_and(records::is_whole);
    let came = outcome.out.iter().map(|(_, record)| record.line(whole));
    let came: Vec<_> = came.collect();
    match expected {
        // Read and written again, so that spaces between keys do not count.
        Some(path) if whole => {
            let expected = records::read(path)?
                .into_iter()
                .map(|record| record.line(true));
            Ok(diff::lines(path, &expected.collect::<Vec<_>>(), &came))
        }
        Some(path) => Ok(diff::lines(path, &records::lines(path)?, &came)),
        None => Ok(diff::lines(Path::new(OUT[0]), &[], &came)),
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}
