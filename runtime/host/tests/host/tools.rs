//! What the tools of authors need beside a stage of a lane.

use std::sync::Arc;

use tamis_host::{OnQuarantine, Plugin, PluginTransform, Wants};

use crate::support::{apply, batch, engine, limits, rows, stage};

#[test]
fn an_empty_plugin_keeps_every_record_and_holds_none() {
    for wants in [Wants::default(), Wants::ALL] {
        let plugin = Arc::new(Plugin::empty(engine(), wants).unwrap());
        assert_eq!(plugin.description().wants, wants);
        let stop = OnQuarantine::Stop;
        let mut stage =
            PluginTransform::new(plugin, "empty", "{}".to_owned(), limits(), stop).unwrap();
        let large = "x".repeat(300_000);
        for _ in 0..20 {
            let mut batch = batch(&["a", "", &large]);
            let applied = apply(&mut stage, &mut batch);
            assert_eq!((applied.dropped, applied.rejected.len()), (0, 0));
            assert_eq!(
                rows(&batch),
                ["100/0 a", "101/0 ", &format!("102/0 {large}")]
            );
        }
        let bytes = stage.memory_bytes();
        assert!((300_000..1 << 20).contains(&bytes), "{bytes}");
    }
}

#[test]
fn a_batch_that_is_tried_once_is_not_searched() {
    let mut stage = stage("panic");
    let mut guilty = batch(&["good", "bad"]);
    let failure = stage.try_once(&mut guilty).unwrap().unwrap_err();
    assert!(
        failure.to_string().contains("cannot stand this record"),
        "{failure}"
    );
    assert_eq!(rows(&guilty), ["100/0 good", "101/0 bad"]);
    let mut harmless = batch(&["good"]);
    let applied = stage.try_once(&mut harmless).unwrap().unwrap();
    assert!(applied.rejected.is_empty());
    assert_eq!(rows(&harmless), ["100/0 good"]);
}

#[test]
fn each_try_has_a_fresh_instance() {
    let mut stage = stage("tire");
    for _ in 0..3 {
        stage.try_once(&mut batch(&["a"])).unwrap().unwrap();
    }
}

#[test]
fn the_memory_of_an_instance_that_was_replaced_is_remembered() {
    let mut stage = stage("hoard");
    let mut bytes = stage.memory_bytes();
    for _ in 0..40 {
        apply(&mut stage, &mut batch(&["a"]));
        let before = std::mem::replace(&mut bytes, stage.memory_bytes());
        assert!(before <= bytes, "{before} bytes, then {bytes}");
    }
    // It takes a MiB for each batch, and is replaced once it has more than half of what it may have.
    let most = limits().memory_bytes_max;
    assert!((most / 2 + 1..=most).contains(&bytes), "{bytes}");

    let mut stage = self::stage("allocate");
    assert_eq!(apply(&mut stage, &mut batch(&["bad"])).rejected.len(), 1);
    let bytes = stage.memory_bytes();
    assert!((most / 2..=most).contains(&bytes), "{bytes} at a failure");
}
