//! A case: a folder with settings, records, and what must come of them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tamis_core::transform::Transform;
use tamis_host::{Plugin, StartError};

use super::{diff, wrong};
use crate::dead::plain;
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
        // Any of them: one whose records have a mistyped name must not be passed over.
        let mut files = IN.into_iter().chain(OUT).chain([SETTINGS, ERROR]);
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
        let mut stage = match guest::start(plugin, settings) {
            Ok(stage) => stage,
            Err(refused @ StartError::Settings { .. }) => {
                let said = vec![refused.to_string()];
                return self.compare_errors(error.as_deref(), said);
            }
            Err(failed @ StartError::Failed(_)) => return Ok(vec![failed.to_string()]),
        };
        if out.is_none() && error.is_none() {
            let failure = match guest::failure(&mut stage, &records) {
                Ok(failure) => failure.map(|failure| failure.to_string()),
                Err(error) => Some(format!("a fresh instance was refused: {error}")),
            };
            return Ok(failure.into_iter().map(|it| fails(&it)).collect());
        }
        self.compare(&mut stage, &records, out.as_deref(), error.as_deref())
    }

    /// How what `stage` makes of `records` differs from the files `out` and `error`.
    fn compare(
        &self,
        stage: &mut impl Transform,
        records: &[Record],
        out: Option<&Path>,
        error: Option<&Path>,
    ) -> Result<Vec<String>> {
        let outcome = match guest::apply(stage, records) {
            Ok(outcome) => outcome,
            // It is this case's: the others have verdicts of their own.
            Err(failed) => return Ok(vec![fails(&failed.to_string())]),
        };
        let mut problems = match out {
            Some(path) => compare_out(path, &outcome)?,
            None => {
                let came: Vec<_> = outcome.lines(false).collect();
                diff::lines(&self.0.join(OUT[0]), &[], &came)
            }
        };
        problems.extend(self.compare_errors(error, outcome.refusals().collect())?);
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

/// How the records that go on differ from those in the file at `path`.
pub(super) fn compare_out(path: &Path, outcome: &Outcome) -> Result<Vec<String>> {
    let whole = records::is_whole(path);
    let expected: Vec<_> = if whole {
        // Read and written again, so that spaces between keys do not count.
        let records = records::read(path)?.into_iter();
        records.map(|record| record.line(true)).collect()
    } else {
        records::lines(path)?
    };
    let came: Vec<_> = outcome.lines(whole).collect();
    Ok(diff::lines(path, &expected, &came))
}

fn fails(how: &str) -> String {
    format!("it fails: {}", plain(how))
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use tamis_core::batch::Batch;
    use tamis_core::transform::{Applied, Stage, TransformError};

    use super::*;

    /// A plugin that is given up at its first batch.
    struct GivenUp(Stage);

    impl Transform for GivenUp {
        fn stage(&self) -> &Stage {
            &self.0
        }

        fn apply(&mut self, _batch: &mut Batch) -> Result<Applied, TransformError> {
            Err(TransformError {
                stage: self.0.clone(),
                reason: "the plugin is quarantined: why".to_owned(),
            })
        }

        fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
            self.apply(batch).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn a_plugin_that_is_given_up_is_a_problem_of_its_case() {
        let (name, version) = ("level".to_owned(), "1.0.0".to_owned());
        let mut stage = GivenUp(Stage { name, version });
        let records = [Record::of(b"{}".to_vec())];
        let case = Case(PathBuf::from("case"));
        let problems = case.compare(&mut stage, &records, None, None).unwrap();
        let expected = "it fails: level 1.0.0 stopped the pipeline: the plugin is quarantined: why";
        assert_eq!(problems, [expected]);
    }
}
