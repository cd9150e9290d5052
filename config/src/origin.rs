//! Where each value of a configuration was said: the line of the file, or the environment variable.

use std::collections::BTreeMap;
use std::path::Path;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, ScanError};

use crate::problem::{below, item};

/// Lists and maps within each other: whoever goes through the tree calls itself for each level.
const LEVELS_MAX: usize = 64;
/// What may be made of a text, with what its aliases stand for: nine lines that name each other can stand for gigabytes.
const TREE_BYTES_MAX: usize = 8 << 20;
/// What a node takes beside its text, roughly.
const NODE_BYTES: usize = 32;

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
        let mut parser = Parser::new_from_str(text);
        // `Parser::load` calls itself for each level, and the stack may end before they do.
        loop {
            match parser.next_token()? {
                (Event::StreamEnd, _) => break,
                (event, mark) => walk
                    .take(event, mark)
                    .map_err(|info| ScanError::new(mark, info))?,
            }
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

/// A list or a map that is open while its events come in.
struct Open {
    frame: Frame,
    anchor: usize,
    /// What the tree took before it.
    bytes_before: usize,
    /// How many levels are in it so far.
    levels: usize,
}

/// Which of the two it is.
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

/// What an alias stands for takes once more.
#[derive(Clone, Copy)]
struct Size {
    bytes: usize,
    levels: usize,
}

#[derive(Default)]
struct Walk {
    lines: BTreeMap<String, usize>,
    duplicates: Vec<Duplicate>,
    open: Vec<Open>,
    documents: usize,
    /// What the tree takes so far.
    bytes: usize,
    anchors: BTreeMap<usize, Size>,
}

impl Walk {
    /// Takes the next event in, or says what is wrong with it.
    fn take(&mut self, event: Event, mark: Marker) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.node(&text, mark.line());
                let bytes = NODE_BYTES + text.len();
                self.anchors.insert(anchor, Size { bytes, levels: 0 });
                self.grow(Size { bytes, levels: 0 })
            }
            Event::Alias(anchor) => {
                self.node("*", mark.line());
                // What names itself stands for nothing.
                let nothing = Size {
                    bytes: NODE_BYTES,
                    levels: 0,
                };
                self.grow(self.anchors.get(&anchor).copied().unwrap_or(nothing))
            }
            Event::SequenceStart(anchor, _) => {
                let path = self.collection(mark)?;
                self.begin(Frame::Sequence { path, next: 0 }, anchor)
            }
            Event::MappingStart(anchor, _) => {
                let path = self.collection(mark)?;
                let (keys, value) = (BTreeMap::new(), None);
                self.begin(Frame::Mapping { path, keys, value }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
            Event::DocumentStart => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document starts, but one file is one pipeline");
                }
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// Notes what a node takes.
    fn grow(&mut self, size: Size) -> Result<(), &'static str> {
        self.bytes = self.bytes.saturating_add(size.bytes);
        if self.bytes > TREE_BYTES_MAX {
            return Err("it is too large, with what its aliases stand for");
        }
        if self.open.len() + size.levels > LEVELS_MAX {
            return Err("its lists and maps are nested too deeply");
        }
        if let Some(open) = self.open.last_mut() {
            open.levels = open.levels.max(size.levels);
        }
        Ok(())
    }

    fn begin(&mut self, frame: Frame, anchor: usize) -> Result<(), &'static str> {
        self.open.push(Open {
            frame,
            anchor,
            bytes_before: self.bytes,
            levels: 0,
        });
        self.grow(Size {
            bytes: NODE_BYTES,
            levels: 0,
        })
    }

    fn end(&mut self) {
        let Some(ended) = self.open.pop() else {
            return;
        };
        let size = Size {
            bytes: self.bytes - ended.bytes_before,
            levels: ended.levels + 1,
        };
        self.anchors.insert(ended.anchor, size);
        if let Some(open) = self.open.last_mut() {
            open.levels = open.levels.max(size.levels);
        }
    }

    /// Takes the start of a list or map in, which cannot be a key, and returns its path.
    fn collection(&mut self, mark: Marker) -> Result<String, &'static str> {
        if let Some(Frame::Mapping { value: None, .. }) = self.open.last().map(|open| &open.frame) {
            return Err("a list or a map is no key");
        }
        Ok(self.node("?", mark.line()))
    }

    /// Takes a node in, as a key, a value or an item, and returns its path.
    fn node(&mut self, text: &str, line: usize) -> String {
        let Some(open) = self.open.last_mut() else {
            return String::new();
        };
        let path = match &mut open.frame {
            Frame::Sequence { path, next } => {
                let path = item(path, *next);
                *next += 1;
                self.lines.insert(path.clone(), line);
                path
            }
            Frame::Mapping { path, keys, value } => {
                if let Some(path) = value.take() {
                    return path;
                }
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
        };
        self.bytes = self.bytes.saturating_add(path.len());
        path
    }
}
