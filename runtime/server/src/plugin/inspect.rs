//! `tamis plugin inspect`: what a compiled plugin says of itself.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};
use tamis_host::{Grants, Plugin};

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
    let wants = description.wants.named().into_iter();
    let wants: Vec<_> = wants
        .filter(|(_, wanted)| *wanted)
        .map(|(name, _)| name)
        .collect();
    if arguments.json {
        let whole = json!({
            "name": description.name,
            "version": description.version,
            "contract": plugin.contract().to_string(),
            "wants": wants,
            "bytes": std::fs::metadata(&arguments.file)?.len(),
            "memory_bytes": plugin.memory_bytes(),
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
    writeln!(
        text,
        "made for version {} of the contract",
        plugin.contract()
    )?;
    writeln!(text, "wants beside the value: {}", wants)?;
    let mib = plugin.memory_bytes() as f64 / f64::from(1 << 20);
    writeln!(text, "memory to start: {mib:.1} MiB")?;
    writeln!(
        text,
        "settings:\n{}",
        serde_json::to_string_pretty(&settings)?
    )?;
    Ok(text)
}
