//! What a configuration that was edited asks for: plugins that stay, change, come and go; or what only a restart can do.

use std::mem::discriminant;

use anyhow::{Result, bail};
use tamis_config::{KafkaDelivery, PipelineSpec, PluginSpec, SinkKind, SinkSpec};

use super::candidate::Wanted;
use crate::plugin_file::PluginFile;

/// Why `new` cannot take the place of `old` in a pipeline that runs.
pub(super) fn refusal(old: &PipelineSpec, new: &PipelineSpec) -> Option<String> {
    let parts = [
        ("pipeline", old.name != new.name),
        ("source", old.source != new.source),
        ("sinks", !sinks_may_change(&old.sinks, &new.sinks)),
        ("dead_letters", old.dead_letters != new.dead_letters),
        ("limits", old.limits != new.limits),
        ("stamp_field", old.stamp_field != new.stamp_field),
        ("trust", old.trust != new.trust),
        (
            "swap.shadow_bytes_max",
            old.swap.shadow_bytes_max != new.swap.shadow_bytes_max,
        ),
    ];
    let changed: Vec<&str> = parts
        .into_iter()
        .filter_map(|(part, changed)| changed.then_some(part))
        .collect();
    (!changed.is_empty()).then(|| {
        let hint = match changed.contains(&"sinks") {
            true => " (of sinks all can change but their names, kinds, the url of files, and what is transactional)",
            false => "",
        };
        format!(
            "{} cannot change while the pipeline runs, and nothing of the file was taken; restart \
             it, or take that change back{hint}",
            changed.join(", ")
        )
    })
}

/// Whether `new` sinks can take the place of `old` ones: the same names and kinds, and none that shares something with the source or
/// with what is to be shown later.
fn sinks_may_change(old: &[SinkSpec], new: &[SinkSpec]) -> bool {
    let is_alike = |(old, new): (&SinkSpec, &SinkSpec)| {
        let is_alike = match (&old.kind, &new.kind) {
            (SinkKind::File(old), SinkKind::File(new)) => old.root == new.root,
            (old, new) => discriminant(old) == discriminant(new),
        };
        old.name == new.name && is_alike
    };
    let is_alone = |sink: &SinkSpec| match &sink.kind {
        SinkKind::Kafka(spec) => matches!(spec.delivery, KafkaDelivery::AtLeastOnce(_)),
        SinkKind::Elasticsearch(_)
        | SinkKind::File(_)
        | SinkKind::Mongodb(_)
        | SinkKind::Mysql(_) => true,
    };
    let alike = old.len() == new.len() && old.iter().zip(new).all(is_alike);
    old == new || (alike && old.iter().chain(new).all(is_alone))
}

/// The plugins of `new`, where those of `old` run; `runs` says whether a file is what runs as the one with this index.
///
/// # Errors
/// Where the file of one that is new cannot be read.
pub(super) fn wanted(
    old: &PipelineSpec,
    new: &PipelineSpec,
    runs: impl Fn(usize, &PluginFile) -> bool,
) -> Result<Vec<Wanted>> {
    let of = |plugin: &PluginSpec| {
        let mut present = old.plugins.iter();
        let index = present.position(|present| present.name == plugin.name);
        match index.map(|index| (index, &old.plugins[index])) {
            Some((index, present)) if present == plugin => Ok(Wanted::Kept(index)),
            // The code that runs, wherever it came from: the file by itself is looked after by itself.
            Some((index, present)) if is_same_code(present, plugin) => {
                Ok(Wanted::SetAnew(index, plugin.clone()))
            }
            // The same file for other imports must be what runs: else it would be a swap that no one asked for.
            Some((index, present)) if present.path == plugin.path => {
                let file = PluginFile::read(&plugin.path)?;
                if !runs(index, &file) {
                    bail!(
                        "plugins.{}.grants cannot change while another version runs than the one in {}; deploy that first, or \
                         restart the pipeline",
                        plugin.name,
                        plugin.path.display()
                    );
                }
                Ok(Wanted::Other(plugin.clone(), file.into()))
            }
            Some(_) | None => {
                let file = PluginFile::read(&plugin.path)?;
                Ok(Wanted::Other(plugin.clone(), file.into()))
            }
        }
    };
    new.plugins.iter().map(of).collect()
}

/// What code may import is settled when it is linked.
fn is_same_code(one: &PluginSpec, other: &PluginSpec) -> bool {
    one.path == other.path && one.grants == other.grants
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tamis_config::{PluginFiles, load_text};

    use super::*;

    const FILE: &str = "\
pipeline: logs
source: { stdin: {} }
plugins:
  - { name: a, path: a.wasm, settings: { x: 1 } }
  - { name: b, path: b.wasm }
sinks: { out: { file: { url: 'file:///out', path: '{topic}', format: ndjson } } }
dead_letters: { folder: { path: /dead } }
";

    fn spec(edits: &[(&str, &str)]) -> PipelineSpec {
        let mut text = FILE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let path = Path::new("/logs.yaml");
        load_text(&text, path, &[].into(), PluginFiles::MayBeMissing).unwrap()
    }

    #[test]
    fn what_cannot_change_is_named() {
        let check = |edits: &[(&str, &str)], expected: Option<&str>| {
            let refusal = refusal(&spec(&[]), &spec(edits));
            let changed = refusal.as_deref().map(|it| it.split(" cannot").next());
            assert_eq!(changed.flatten(), expected);
        };
        check(&[], None);
        check(&[("x: 1", "x: 2")], None);
        check(&[("pipeline: logs", "pipeline: other")], Some("pipeline"));
        check(
            &[("stdin: {}", "stdin: { name: me }"), ("/dead", "/other")],
            Some("source, dead_letters"),
        );
        check(&[("ndjson", "ndjson, paths_max: 7")], None);
        for (from, to) in [
            ("out:", "other:"),
            ("file:///out", "file:///other"),
            (
                "file: { url: 'file:///out', path: '{topic}', format: ndjson }",
                "kafka: { brokers: [a:1], topic: t }",
            ),
        ] {
            check(&[(from, to)], Some("sinks"));
        }
        // What runs already was not verified with other keys.
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let trust = format!("trust: {{ keys: [{key}] }}\npipeline: logs");
        check(&[("pipeline: logs", &trust)], Some("trust"));
    }

    #[test]
    fn plugins_stay_or_are_set_anew_under_their_names() {
        let check = |edits: &[(&str, &str)], expected: &[&str]| {
            let wanted = wanted(&spec(&[]), &spec(edits), |_, _| true).unwrap();
            let words = wanted.iter().map(|wanted| match wanted {
                Wanted::Kept(index) => format!("kept {index}"),
                Wanted::SetAnew(index, plugin) => format!("set {index} {}", plugin.name),
                Wanted::Other(plugin, _) => format!("other {}", plugin.name),
            });
            assert_eq!(words.collect::<Vec<_>>(), expected);
        };
        check(&[], &["kept 0", "kept 1"]);
        check(&[("x: 1", "x: 2")], &["set 0 a", "kept 1"]);
        let b = "  - { name: b, path: b.wasm }\n";
        check(&[(b, "")], &["kept 0"]);
        let first = format!("plugins:\n{b}");
        check(&[(b, ""), ("plugins:\n", &first)], &["kept 1", "kept 0"]);
    }

    #[test]
    fn a_plugin_whose_file_is_not_there_is_an_error_that_names_it() {
        let new = spec(&[("b.wasm }", "b.wasm, grants: [clock] }")]);
        let error = wanted(&spec(&[]), &new, |_, _| true).unwrap_err();
        assert!(format!("{error:#}").contains("b.wasm"), "{error:#}");
    }
}
