//! `tamis check`: everything that can be known of a configuration without touching the world.

use std::sync::Arc;

use anyhow::Error;
use tamis_config::{OnQuarantine, PipelineSpec, PluginFiles, PluginSpec};
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_host::Engine;

use crate::cli::{CheckArguments, CompilerOptions};
use crate::exit::{self, Exit};
use crate::{compiler, run, telemetry, wiring};

pub(crate) fn check(arguments: &CheckArguments, options: &CompilerOptions) -> Exit {
    let plugin_files = if arguments.no_plugins {
        PluginFiles::MayBeMissing
    } else {
        PluginFiles::MustExist
    };
    let specs = run::load(&arguments.files, plugin_files);
    let listen = telemetry::Listen::of(&arguments.telemetry);
    if let Err(reason) = &listen {
        eprintln!("{reason}");
    }
    let (Some(specs), Ok(_)) = (specs, listen) else {
        return Exit::Usage;
    };
    if !arguments.no_plugins {
        let engine = match compiler::engine(options) {
            Ok(engine) => engine,
            Err(error) => return exit::failed(&error),
        };
        let mut sound = true;
        for (spec, file) in specs.iter().zip(&arguments.files) {
            for error in try_plugins(spec, &engine) {
                eprintln!("{}: {error:#}", file.display());
                sound = false;
            }
        }
        if !sound {
            return Exit::Usage;
        }
    }
    for (spec, file) in specs.iter().zip(&arguments.files) {
        let (file, name) = (file.display(), &spec.name);
        let (plugins, sinks) = (spec.plugins.len(), spec.sinks.len());
        eprintln!("{file}: pipeline {name} is sound: {plugins} plugins, {sinks} sinks");
    }
    Exit::Done
}

/// Loads and configures each plugin by itself and gives it a record of the usual form; what is wrong with each.
fn try_plugins(spec: &PipelineSpec, engine: &Engine) -> Vec<Error> {
    let alone = |plugin: &PluginSpec| {
        let mut alone = PipelineSpec {
            plugins: vec![plugin.clone()],
            ..spec.clone()
        };
        alone.limits.lanes = 1;
        // No search for the guilty record: a plugin that fails on this one says so.
        alone.plugins[0].limits.search_time_ms_max = 0;
        alone.plugins[0].on_quarantine = OnQuarantine::Stop;
        for transform in wiring::lanes(&alone, engine)?.iter_mut().flatten() {
            let mut sample = sample();
            transform.apply(&mut sample)?.said.say(&sample);
        }
        Ok(())
    };
    spec.plugins
        .iter()
        .filter_map(|plugin| alone(plugin).err())
        .collect()
}

fn sample() -> Batch {
    const VALUE: &str = r#"{"Type":"error","Action":"login","Time":"2023-01-18 12:00:00","Msg":"会话已过期","Field":{"user_id":1},"FuncName":"auth.Login"}"#;
    let partition = Partition {
        source: "sample".into(),
        topic: "sample".into(),
        number: 0,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 1, VALUE.len());
    batch.push(0, 0, None, Some(VALUE.as_bytes()), &[]);
    batch.finish(1)
}
