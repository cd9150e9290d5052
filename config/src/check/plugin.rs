//! Checks the plugins.

use std::path::Path;

use super::{PluginFiles, names};
use crate::problem::{Report, item};
use crate::raw::RawPlugin;
use crate::spec::PluginSpec;

pub(super) fn check(
    raw: Vec<RawPlugin>,
    folder: &Path,
    files: PluginFiles,
    report: &mut Report,
) -> Vec<PluginSpec> {
    let mut plugins = Vec::<PluginSpec>::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let at = item("plugins", index);
        let name_at = format!("{at}.name");
        names::check(&name_at, &raw.name, report);
        if let Some(first) = plugins.iter().position(|plugin| plugin.name == raw.name) {
            report.add(&name_at, format!("is the name of `plugins[{first}]` too"));
        }
        let path = folder.join(&raw.path);
        if files == PluginFiles::MustExist && !path.is_file() {
            no_file(&format!("{at}.path"), &path, report);
        }
        plugins.push(PluginSpec {
            name: raw.name,
            path,
            settings: raw.settings.into(),
            secrets: report.secrets_below(&format!("{at}.settings")),
            grants: raw.grants,
            limits: raw.limits,
            on_quarantine: raw.on_quarantine,
        });
    }
    plugins
}

fn no_file(at: &str, path: &Path, report: &mut Report) {
    let message = format!("no such file: {}", report.show(at, path.display()));
    report.add_with_cure(at, message, "build it with `tamis plugin build <folder>`");
}
