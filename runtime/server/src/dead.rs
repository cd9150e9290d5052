//! `tamis dead`: what lies in the stores of dead letters, and sending it again.

pub(crate) mod list;
pub(crate) mod replay;
pub(crate) mod show;

mod pass;
mod select;
mod summary;
mod table;
mod target;

use std::path::Path;

use tamis_config::{PipelineSpec, PluginFiles};

use crate::run;

/// The pipeline whose letters are meant, or what is wrong with its configuration on the standard error.
fn load(file: &Path, plugin_files: PluginFiles) -> Option<PipelineSpec> {
    run::load(&[file.to_owned()], plugin_files)?.pop()
}

/// `text` in one line that does nothing to a terminal: what a record says is not to be trusted.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            plain.extend(char.escape_default());
        } else {
            plain.push(char);
        }
    }
    plain
}
