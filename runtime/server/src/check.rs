//! `tamis check`: everything that can be known of a configuration without touching the world.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tamis_config::{PipelineSpec, PluginFiles};
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_host::Engine;

use crate::cli::CheckArguments;
use crate::exit::{self, Exit};
use crate::{run, wiring};

pub(crate) fn check(arguments: &CheckArguments) -> Exit {
    let plugin_files = if arguments.no_plugins {
        PluginFiles::MayBeMissing
    } else {
        PluginFiles::MustExist
    };
    let Some(specs) = run::load(&arguments.files, plugin_files) else {
        return Exit::Usage;
    };
    if !arguments.no_plugins
        && let Err(error) = try_plugins(&specs)
    {
        exit::failed(&error);
        return Exit::Usage;
    }
    for (spec, file) in specs.iter().zip(&arguments.files) {
        let (file, name) = (file.display(), &spec.name);
        let (plugins, sinks) = (spec.plugins.len(), spec.sinks.len());
        eprintln!("{file}: pipeline {name} is sound: {plugins} plugins, {sinks} sinks");
    }
    Exit::Done
}

/// Loads and configures each plugin, and passes a record of the usual form through all of them.
fn try_plugins(specs: &[PipelineSpec]) -> Result<()> {
    let engine = Engine::new()?;
    for spec in specs {
        let mut one_lane = spec.clone();
        one_lane.limits.lanes = 1;
        let mut batch = sample();
        for transform in wiring::lanes(&one_lane, &engine)?.iter_mut().flatten() {
            let applied = transform.apply(&mut batch)?;
            let crashed = applied
                .rejected
                .iter()
                .find(|it| it.reason.starts_with("trap"));
            let stage = &transform.stage().name;
            ensure!(
                crashed.is_none(),
                "plugin {stage} fails on a sample record: {crashed:?}"
            );
        }
    }
    Ok(())
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
