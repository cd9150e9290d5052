//! `tamis dead`: what lies in the stores of dead letters, and sending it again.

pub(crate) mod list;
pub(crate) mod replay;
pub(crate) mod show;

mod pass;
mod select;
mod summary;
mod target;

use std::path::Path;

use tamis_config::{DeadLettersSpec, OnOutage, PipelineSpec, PluginFiles, SinkSpec};

use crate::run;

/// The pipeline whose letters are meant, or what is wrong with its configuration on the standard error.
fn load(file: &Path, plugin_files: PluginFiles) -> Option<PipelineSpec> {
    run::load(&[file.to_owned()], plugin_files)?.pop()
}

/// The stores of dead letters, or of what was `parked` for a sink.
fn stores<'a>(spec: &'a PipelineSpec, parked: Option<&str>) -> Option<&'a DeadLettersSpec> {
    let Some(name) = parked else {
        return Some(&spec.dead_letters);
    };
    let parks = |sink: &'a SinkSpec| match &sink.on_outage {
        OnOutage::Park { to, .. } => Some((&*sink.name, to)),
        OnOutage::Wait => None,
    };
    let all: Vec<_> = spec.sinks.iter().filter_map(parks).collect();
    let found = all.iter().find(|(sink, _)| *sink == name);
    if found.is_none() {
        let names: Vec<_> = all.iter().map(|(sink, _)| *sink).collect();
        let known = match names.as_slice() {
            [] => "none does".to_owned(),
            names => format!("these do: {}", names.join(", ")),
        };
        eprintln!("--parked {name}: there is no such sink that parks its records; {known}");
    }
    found.map(|(_, to)| *to)
}

/// `text` in one line that does nothing to a terminal: what a record says is not to be trusted.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() || turns(char) {
            plain.extend(char.escape_default());
        } else {
            plain.push(char);
        }
    }
    plain
}

/// Whether a character changes the direction in which text stands, or its line, and so what a person believes to read.
/// Source: Unicode Standard Annex 9, 2.1 to 2.6.
fn turns(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
