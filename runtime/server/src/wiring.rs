//! From a checked configuration to a pipeline that can run: the only place that knows all crates.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tamis_config::spec::Secret;
use tamis_config::{Capability, PipelineSpec, PluginLimits, PluginSpec, SinkSpec, SourceSpec};
use tamis_connect::Transactions;
use tamis_core::sink::SinkError;
use tamis_core::source::{Source, SourceError};
use tamis_core::transform::Transform;
use tamis_core::{Backoff, Limits, Mask, OnOutage, Outlet, Pipeline, causes};
use tamis_host::{Engine, Grants, Plugin, PluginTransform, Settings, Trust};
use tracing::warn;

use crate::plugin_file::PluginFile;

/// Between two tries to connect to a store that is away.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// After how many of them it is said again.
const SAY_EVERY: u32 = 60;

/// For each lane an instance of each plugin.
pub(crate) type Lanes = Vec<Vec<Box<dyn Transform>>>;

/// Connects everything that `spec` names to its configured `lanes`. Nothing runs before all of it is there.
pub(crate) async fn connect(spec: &PipelineSpec, lanes: Lanes) -> Result<Pipeline> {
    let transactions = Transactions::of(&spec.source, &spec.sinks)?;
    let committing = transactions.clone();
    let source = || tamis_connect::source::connect(&spec.source, &spec.limits, committing);
    let (sinks, owner) = (&spec.sinks, owner(spec));
    assemble(spec, source, lanes, sinks, owner, transactions.as_ref()).await
}

/// Connects what comes of `source` through `lanes` to `sinks`; the rest is that of `spec`. `owner` is who has the partitions, and
/// `transactions` are those that the source commits.
pub(crate) async fn assemble<F>(
    spec: &PipelineSpec,
    source: impl FnOnce() -> F,
    lanes: Lanes,
    sinks: &[SinkSpec],
    owner: &str,
    transactions: Option<&Arc<Transactions>>,
) -> Result<Pipeline>
where
    F: Future<Output = Result<Box<dyn Source>, SourceError>>,
{
    let outlets = outlets(sinks, lanes.len(), owner, transactions).await?;
    let dead = once_there("dead letters", async || {
        tamis_connect::dead::connect(&spec.dead_letters).await
    })
    .await
    .context("dead letters")?;
    let source = source().await?;
    let limits = Limits {
        in_flight_bytes_max: spec.limits.in_flight_bytes_max,
        recent_bytes_max: spec.swap.shadow_bytes_max,
        shutdown_timeout: Duration::from_millis(spec.limits.shutdown_timeout_ms),
        backoff: Backoff::default(),
        seed: fastrand::u64(..),
    };
    let stamper = spec.stamp_field.as_deref();
    let stamper = stamper.map(tamis_connect::stamp::stamper);
    Ok(Pipeline::new(source, lanes, outlets, dead, limits).stamped(stamper))
}

/// Every plugin compiled once, and configured for each lane: what can be known without touching the world.
pub(crate) fn lanes(spec: &PipelineSpec, engine: &Engine) -> Result<Lanes> {
    instances(spec, &plugins(spec, engine)?)
}

/// Every plugin compiled, in order.
pub(crate) fn plugins(spec: &PipelineSpec, engine: &Engine) -> Result<Vec<Arc<Plugin>>> {
    let trust = trust(spec)?;
    let load = |plugin| {
        let loaded = load(plugin, engine, trust.as_ref()).with_context(|| named(plugin))?;
        Ok(Arc::new(loaded))
    };
    spec.plugins.iter().map(load).collect()
}

/// For each lane an instance of each of the `plugins` of `spec`.
pub(crate) fn instances(spec: &PipelineSpec, plugins: &[Arc<Plugin>]) -> Result<Lanes> {
    let mut lanes = no_plugins(spec);
    for (plugin, loaded) in spec.plugins.iter().zip(plugins) {
        let instances = instances_of(plugin, loaded, spec.limits.lanes);
        add(&mut lanes, instances.with_context(|| named(plugin))?);
    }
    Ok(lanes)
}

/// The lanes of `spec`, through which records go as they are.
pub(crate) fn no_plugins(spec: &PipelineSpec) -> Lanes {
    (0..spec.limits.lanes).map(|_| Vec::new()).collect()
}

/// Puts one of `instances` behind what each of `lanes` has.
pub(crate) fn add(lanes: &mut Lanes, instances: Vec<PluginTransform>) {
    for (lane, instance) in lanes.iter_mut().zip(instances) {
        lane.push(Box::new(instance));
    }
}

/// For each of so many lanes an instance of `plugin`, with the settings of `spec`.
pub(crate) fn instances_of(
    spec: &PluginSpec,
    plugin: &Arc<Plugin>,
    lanes: usize,
) -> Result<Vec<PluginTransform>> {
    (0..lanes).map(|_| transform(spec, plugin)).collect()
}

/// Whose signatures the plugins of `spec` need.
pub(crate) fn trust(spec: &PipelineSpec) -> Result<Option<Trust>> {
    let trust = spec.trust.as_ref().map(|it| Trust::new(&it.keys));
    trust.transpose().context("trust.keys")
}

pub(crate) fn named(plugin: &PluginSpec) -> String {
    format!("plugin {} ({})", plugin.name, plugin.path.display())
}

fn load(plugin: &PluginSpec, engine: &Engine, trust: Option<&Trust>) -> Result<Plugin> {
    PluginFile::read(&plugin.path)?.load(engine, grants(plugin), trust, None)
}

/// What the configuration lets `plugin` import.
pub(crate) fn grants(plugin: &PluginSpec) -> Grants {
    let clock = plugin.grants.contains(&Capability::Clock);
    Grants { clock }
}

/// An instance of `plugin` with the settings and limits of `spec`.
pub(crate) fn transform(spec: &PluginSpec, plugin: &Arc<Plugin>) -> Result<PluginTransform> {
    let on_quarantine = match spec.on_quarantine {
        tamis_config::OnQuarantine::Stop => tamis_host::OnQuarantine::Stop,
        tamis_config::OnQuarantine::Bypass => tamis_host::OnQuarantine::Bypass,
        tamis_config::OnQuarantine::DeadLetter => tamis_host::OnQuarantine::DeadLetter,
    };
    Ok(PluginTransform::new(
        Arc::clone(plugin),
        &spec.name,
        settings(spec),
        limits(spec.limits),
        on_quarantine,
    )?)
}

/// What `plugin` gets of the configuration, and the secrets in it, which are not shown in its words.
pub(crate) fn settings(plugin: &PluginSpec) -> Settings {
    Settings {
        json: plugin.settings.to_string(),
        mask: mask(&plugin.secrets),
    }
}

/// Hides `secrets` in what a plugin says, as they are, and as they stand in its settings, which are JSON.
pub(crate) fn mask(secrets: &[Secret]) -> Mask {
    let each = secrets.iter().flat_map(|secret| {
        let quoted = serde_json::Value::from(secret.expose()).to_string();
        [
            secret.expose().to_owned(),
            quoted[1..quoted.len() - 1].to_owned(),
        ]
    });
    Mask::new(each)
}

/// What the configuration says, as the sandbox takes it.
pub(crate) fn limits(limits: PluginLimits) -> tamis_host::PluginLimits {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    tamis_host::PluginLimits {
        memory_bytes_max: bytes(limits.memory_bytes_max),
        batch_time: Duration::from_millis(limits.batch_time_ms_max),
        output_bytes_max: bytes(limits.output_bytes_max),
        outputs_per_record_max: limits.outputs_per_record_max,
        search_time: Duration::from_millis(limits.search_time_ms_max),
    }
}

/// Who has the partitions that are read: what the members of a group stage is found by each other.
pub(crate) fn owner(spec: &PipelineSpec) -> &str {
    match &spec.source {
        SourceSpec::Kafka(source) => &source.group,
        SourceSpec::File(_) | SourceSpec::Stdin(_) => &spec.name,
    }
}

/// Connects `sinks`, for so many `lanes`; waits for stores that are away.
pub(crate) async fn outlets(
    sinks: &[SinkSpec],
    lanes: usize,
    owner: &str,
    transactions: Option<&Arc<Transactions>>,
) -> Result<Vec<Outlet>> {
    let mut outlets = Vec::with_capacity(sinks.len());
    for sink in sinks {
        let outlet = outlet(sink, lanes, owner, transactions).await;
        outlets.push(outlet.with_context(|| format!("sink {}", sink.name))?);
    }
    Ok(outlets)
}

async fn outlet(
    spec: &SinkSpec,
    lanes: usize,
    owner: &str,
    transactions: Option<&Arc<Transactions>>,
) -> Result<Outlet> {
    let routes = match &spec.routes {
        tamis_config::Routes::Unrouted => tamis_core::Routes::Unrouted,
        tamis_config::Routes::Named(names) => tamis_core::Routes::Named(names.clone()),
        tamis_config::Routes::All => tamis_core::Routes::All,
    };
    let destination = once_there(&spec.name, async || {
        tamis_connect::sink::connect(spec, lanes, owner, transactions).await
    })
    .await?;
    let on_outage = match &spec.on_outage {
        tamis_config::OnOutage::Wait => OnOutage::Wait,
        tamis_config::OnOutage::Park { after_ms, to } => {
            let parking = format!("parking of {}", spec.name);
            let to = once_there(&parking, async || tamis_connect::dead::connect(to).await);
            OnOutage::Park {
                after: Duration::from_millis(*after_ms),
                to: to.await?,
            }
        }
    };
    Ok(Outlet {
        name: spec.name.clone(),
        routes,
        condition: spec.when.as_ref().map(tamis_connect::condition::condition),
        destination,
        on_outage,
    })
}

/// Connects to the store that `sink` writes to, and waits for one that is away.
async fn once_there<T>(
    sink: &str,
    connect: impl AsyncFn() -> Result<T, SinkError>,
) -> Result<T, SinkError> {
    let mut tries = 0;
    loop {
        match connect().await {
            Err(SinkError::Unavailable(error)) => {
                if tries % SAY_EVERY == 0 {
                    let error = causes(&*error);
                    warn!(sink, error, "sink is unavailable, trying again");
                }
                tries += 1;
                tokio::time::sleep(TRY_AGAIN).await;
            }
            connected => return connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_the_words_of_a_plugin_however_it_quotes_it() {
        let secret = "se\"sa\\me\u{1}";
        let mask = mask(&[Secret::new(secret)]);
        let quoted = serde_json::json!({ "token": secret });
        for words in [secret.to_owned(), format!("{secret:?}"), quoted.to_string()] {
            let hidden = mask.hide(words);
            assert!(hidden.contains("***") && !hidden.contains("sa"), "{hidden}");
        }
    }
}
