//! What is wrong with a configuration, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::origin::Origins;
use crate::spec::Secret;

/// One thing that is wrong. No message ever holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or the environment variable, that says it.
    pub file: String,
    /// The line in the file; `None` for a variable or the file as a whole.
    pub line: Option<usize>,
    /// The keys that lead there, as in `sinks.archive.file.path`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would put it right.
    pub cure: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.cure {
            Some(cure) => write!(f, " ({cure})"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a configuration: at least one problem, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// A problem of the file at `path` as a whole.
    pub(crate) fn one(path: &Path, line: Option<usize>, message: String) -> Self {
        let file = path.display().to_string();
        Self(vec![Problem {
            file,
            line,
            path: String::new(),
            message,
            cure: None,
        }])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_feed = if index == 0 { "" } else { "\n" };
            write!(f, "{line_feed}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Gathers problems and gives each its place.
pub(crate) struct Report {
    pub(crate) origins: Origins,
    /// Paths whose values came out of `${…}`, which must never be shown, and what was brought in there.
    secret: BTreeMap<String, Vec<Secret>>,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(origins: Origins) -> Self {
        Self {
            origins,
            secret: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Notes a problem of the value at `path`.
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.push(path, message.into(), None);
    }

    /// Notes a problem of the value at `path` and what would put it right.
    pub(crate) fn add_with_cure(
        &mut self,
        path: &str,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.push(path, message.into(), Some(cure.into()));
    }

    fn push(&mut self, path: &str, message: String, cure: Option<String>) {
        let (file, line) = self.origins.of(path);
        self.problems.push(Problem {
            file,
            line,
            path: path.to_owned(),
            message,
            cure,
        });
    }

    /// Remembers that the value at `path` must not be shown, since these were `brought` in.
    pub(crate) fn keep_secret(&mut self, path: &str, brought: Vec<Secret>) {
        self.secret.insert(path.to_owned(), brought);
    }

    /// All that was brought in at `path` and below it.
    pub(crate) fn secrets_below(&self, path: &str) -> Vec<Secret> {
        let is_below = |at: &str| {
            let rest = at.strip_prefix(path);
            path.is_empty() || rest.is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
        };
        let below = self.secret.iter().filter(|(at, _)| is_below(at));
        below.flat_map(|(_, brought)| brought.clone()).collect()
    }

    /// Whether the value at `path` must not be shown.
    pub(crate) fn is_secret(&self, path: &str) -> bool {
        self.secret.contains_key(path)
    }

    /// `value` as a message may show it, given that it stands at `path`.
    pub(crate) fn show(&self, path: &str, value: impl fmt::Display) -> String {
        if self.is_secret(path) {
            "${…}".to_owned()
        } else {
            value.to_string()
        }
    }

    /// `Err` with all problems so far, in order of their lines, if there are any.
    pub(crate) fn end(&mut self) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort();
        Err(Problems(problems))
    }
}

/// The path of `key` below `path`.
pub(crate) fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The path of the item `index` of the list at `path`.
pub(crate) fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn near_miss<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // It lets a letter or two pass in a word of five, and little else.
    const LIKENESS_MIN: f64 = 0.6;
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(word, candidate),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// `names` for a message: each in back quotes, with commas between.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
