//! What a deployer says of itself.

use super::Deployer;
use super::candidate::Running;
use super::probation::Probation;
use crate::control::{Ended, Events};
use crate::telemetry::Deployed;

impl Deployer {
    /// Sends the entries of the history, of one `plugin` or of all.
    pub(super) async fn tell_versions(
        &self,
        plugin: Option<&str>,
        events: Option<Events>,
    ) -> Ended {
        let Running { spec, .. } = &*self.running;
        let known = |name: &str| spec.plugins.iter().any(|it| it.name == name);
        if let Some(plugin) = plugin.filter(|plugin| !known(plugin)) {
            return Ended::failed(self.no_plugin(plugin));
        }
        if let (Some(events), Some(state)) = (events, &self.state) {
            let wanted = |name: &str| plugin.is_none_or(|plugin| plugin == name);
            for entry in state.history().iter().filter(|it| wanted(&it.plugin)) {
                events.say(entry).await;
            }
        }
        Ended::done(String::new())
    }

    /// Tells whoever looks at the pipeline how its plugins stand.
    pub(super) fn show(&self) {
        let Running { spec, plugins } = &*self.running;
        let plugins = spec.plugins.iter().zip(plugins);
        let plugins = plugins.map(|(spec, plugin)| Deployed {
            name: spec.name.clone(),
            version: plugin.version(),
            sha256: plugin.digest().to_owned(),
            path: spec.path.display().to_string(),
        });
        let on_probation = self.on_probation.as_ref().map(Probation::versions);
        let waiting = self.waiting.as_ref().map(|it| it.candidate.versions());
        self.watched
            .deployed(plugins.collect(), on_probation, waiting);
    }
}
