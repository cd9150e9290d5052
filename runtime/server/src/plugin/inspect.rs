//! `tamis plugin inspect`: what a compiled plugin says of itself.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};
use tamis_host::{Grants, Plugin, Wants};

use crate::cli::CompilerOptions;
use crate::cli::plugin::InspectArguments;
use crate::compiler;
use crate::exit::{self, Exit};

pub(super) fn run(arguments: &InspectArguments, options: &CompilerOptions) -> Exit {
    match inspect(arguments, options) {
        Ok(text) => crate::print(&text),
        Err(error) => exit::failed(&error),
    }
}

fn inspect(arguments: &InspectArguments, options: &CompilerOptions) -> Result<String> {
    let engine = compiler::engine(options)?;
    let plugin = Plugin::load(&engine, &arguments.file, Grants { clock: true })?;
    let description = plugin.description();
    let settings: Value = serde_json::from_str(&description.settings_schema)?;
    let wants = wants(description.wants);
    if arguments.json {
        let whole = json!({
            "name": description.name,
            "version": description.version,
            "wants": wants,
            "bytes": std::fs::metadata(&arguments.file)?.len(),
            "settings": settings,
        });
        return Ok(serde_json::to_string_pretty(&whole)?);
    }
    let wants = if wants.is_empty() {
        "nothing".to_owned()
    } else {
        wants.join(", ")
    };
    let mut text = format!("{} {}\n", description.name, description.version);
    writeln!(text, "wants beside the value: {}", wants)?;
    writeln!(
        text,
        "settings:\n{}",
        serde_json::to_string_pretty(&settings)?
    )?;
    Ok(text)
}

/// By the names that the contract gives them.
fn wants(wants: Wants) -> Vec<&'static str> {
    let Wants {
        key,
        headers,
        timestamp,
        position,
    } = wants;
    let named = [
        (key, "key"),
        (headers, "headers"),
        (timestamp, "timestamp"),
        (position, "position"),
    ];
    named
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, name)| name)
        .collect()
}
