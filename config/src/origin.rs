//! Where each value of a configuration was said: the line of the file, or the environment variable.

use std::collections::BTreeMap;
use std::path::Path;

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::{Marker, ScanError};

use crate::problem::{below, item};

/// Where the values of one configuration were said, by key path.
pub(crate) struct Origins {
    file: String,
    lines: BTreeMap<String, usize>,
    variables: BTreeMap<String, String>,
}

/// A key that one mapping holds twice. YAML readers differ in what they make of it; here it is
/// refused.
pub(crate) struct Duplicate {
    pub(crate) path: String,
    pub(crate) first_line: usize,
    pub(crate) second_line: usize,
}

impl Origins {
    /// Walks the YAML `text` of the file at `path`, also for what a tree of values would hide.
    pub(crate) fn walk(path: &Path, text: &str) -> Result<(Self, Vec<Duplicate>), ScanError> {
        let mut walk = Walk::default();
        Parser::new_from_str(text).load(&mut walk, true)?;
        if let Some(error) = walk.error {
            return Err(error);
        }
        let file = path.display().to_string();
        let origins = Self {
            file,
            lines: walk.lines,
            variables: BTreeMap::new(),
        };
        Ok((origins, walk.duplicates))
    }

    /// Notes that the value at `path` comes from an environment variable.
    pub(crate) fn set_variable(&mut self, path: &str, variable: &str) {
        let is_below = |other: &str| {
            other
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.lines.retain(|other, _| !is_below(other));
        self.variables.insert(path.to_owned(), variable.to_owned());
    }

    /// The file or variable, and the line, that said the value at `path` or the nearest one around
    /// it.
    pub(crate) fn of(&self, path: &str) -> (String, Option<usize>) {
        let mut around = path;
        loop {
            if let Some(variable) = self.variables.get(around) {
                return (variable.clone(), None);
            }
            if let Some(line) = self.lines.get(around) {
                return (self.file.clone(), Some(*line));
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = &around[..end],
                None => return (self.file.clone(), None),
            }
        }
    }
}

/// What of the tree is open while its events come in.
enum Frame {
    /// A mapping, the lines of its keys so far, and the path of the value that comes next.
    Mapping {
        path: String,
        keys: BTreeMap<String, usize>,
        value: Option<String>,
    },
    Sequence {
        path: String,
        next: usize,
    },
}

#[derive(Default)]
struct Walk {
    lines: BTreeMap<String, usize>,
    duplicates: Vec<Duplicate>,
    open: Vec<Frame>,
    documents: usize,
    error: Option<ScanError>,
}

impl Walk {
    /// Takes the start of a list or map in, which cannot be a key, and returns its path.
    fn collection(&mut self, mark: Marker) -> String {
        if let Some(Frame::Mapping { value: None, .. }) = self.open.last() {
            self.error
                .get_or_insert(ScanError::new(mark, "a list or a map is no key"));
        }
        self.node("?", mark.line())
    }

    /// Takes a node in, as a key, a value or an item, and returns its path.
    fn node(&mut self, text: &str, line: usize) -> String {
        match self.open.last_mut() {
            None => String::new(),
            Some(Frame::Sequence { path, next }) => {
                let path = item(path, *next);
                *next += 1;
                self.lines.insert(path.clone(), line);
                path
            }
            Some(Frame::Mapping { path, keys, value }) => match value.take() {
                Some(path) => path,
                None => {
                    let path = below(path, text);
                    *value = Some(path.clone());
                    if let Some(&first_line) = keys.get(text) {
                        let path = path.clone();
                        self.duplicates.push(Duplicate {
                            path,
                            first_line,
                            second_line: line,
                        });
                    } else {
                        keys.insert(text.to_owned(), line);
                        self.lines.insert(path.clone(), line);
                    }
                    path
                }
            },
        }
    }
}

impl MarkedEventReceiver for Walk {
    fn on_event(&mut self, event: Event, mark: Marker) {
        match event {
            Event::Scalar(text, ..) => {
                self.node(&text, mark.line());
            }
            Event::Alias(_) => {
                self.node("*", mark.line());
            }
            Event::SequenceStart(..) => {
                let path = self.collection(mark);
                self.open.push(Frame::Sequence { path, next: 0 });
            }
            Event::MappingStart(..) => {
                let path = self.collection(mark);
                self.open.push(Frame::Mapping {
                    path,
                    keys: BTreeMap::new(),
                    value: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
            Event::DocumentStart => {
                self.documents += 1;
                if self.documents > 1 {
                    let info = "a second document starts, but one file is one pipeline";
                    self.error.get_or_insert(ScanError::new(mark, info));
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
}
