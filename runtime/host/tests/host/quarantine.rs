//! What happens when the search for the guilty comes to no end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tamis_core::Mask;
use tamis_core::transform::Transform;
use tamis_host::{Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform, Settings};

use crate::support::{apply, batch, engine, guest, limits, rejected, rows, stage_within};

/// Eight loops of 20 ms and what leads to them take longer than this search may.
fn impatient() -> PluginLimits {
    let (batch_time, search_time) = (Duration::from_millis(20), Duration::from_millis(90));
    PluginLimits {
        batch_time,
        search_time,
        ..limits()
    }
}

const LOOPS: [&str; 8] = ["bad"; 8];
const REASON: &str = "no end of failures in one batch within 90 ms, last: time limit of 20 ms";

#[test]
fn a_quarantined_plugin_stops_the_pipeline() {
    let mut stage = stage_within("loop", impatient(), OnQuarantine::Stop);
    for values in [&LOOPS[..], &["a"]] {
        let mut batch = batch(values);
        let error = stage.apply(&mut batch).unwrap_err();
        let version = &stage.stage().version;
        assert!(version.starts_with("6.6.6+"), "{version}");
        let expected =
            format!("guest {version} stopped the pipeline: the plugin is quarantined: {REASON}");
        assert_eq!(error.to_string(), expected);
        assert_eq!(batch.rows().len(), values.len());
    }
}

#[test]
fn a_quarantined_plugin_is_bypassed() {
    let mut stage = stage_within("loop", impatient(), OnQuarantine::Bypass);
    for values in [&LOOPS[..], &["a", "bad"]] {
        let mut batch = batch(values);
        let before = batch.rows().to_vec();
        let applied = apply(&mut stage, &mut batch);
        assert_eq!((batch.rows(), rejected(&applied)), (&before[..], vec![]));
    }
}

#[test]
fn a_quarantined_plugin_makes_dead_letters_of_all_that_it_has_not_decided() {
    let mut stage = stage_within("loop", impatient(), OnQuarantine::DeadLetter);
    let mut first = batch(&["a", "b", "c", "d", "bad", "bad", "bad", "bad", "e", "f"]);
    let applied = apply(&mut stage, &mut first);
    let kept = rows(&first);
    // How far the search came depends on the machine: what was decided until then goes on, in order.
    let could_be_kept = ["100/0 a", "101/0 b", "102/0 c", "103/0 d"];
    assert!(
        could_be_kept[..].starts_with(&kept.iter().map(String::as_str).collect::<Vec<_>>()),
        "{kept:?}"
    );
    assert_eq!(kept.len() + applied.rejected.len(), 10);
    assert_eq!(
        rejected(&applied).last().unwrap(),
        &format!("109/0 the plugin is quarantined: {REASON}")
    );
    let mut second = batch(&["a", "b"]);
    let applied = apply(&mut stage, &mut second);
    let reason = format!("the plugin is quarantined: {REASON}");
    assert_eq!(
        rejected(&applied),
        [format!("100/0 {reason}"), format!("101/0 {reason}")]
    );
    assert_eq!(rows(&second).len(), 0);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the guest looks at the clock of the wall too"
)]
fn a_plugin_whose_fresh_instance_refuses_its_settings_is_quarantined() {
    let bytes = guest("clock");
    let plugin =
        Plugin::from_bytes(engine(), "clock.wasm", &bytes, Grants { clock: true }).unwrap();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let until = (now + Duration::from_secs(4)).as_millis();
    let settings = Settings {
        json: format!(r#"{{"do": "refuse later", "until": {until}}}"#),
        mask: Mask::new(["over".to_owned()]),
    };
    let limits = PluginLimits {
        batch_time: Duration::from_secs(5),
        ..limits()
    };
    let on_quarantine = OnQuarantine::Stop;
    let mut stage =
        PluginTransform::new(Arc::new(plugin), "guest", settings, limits, on_quarantine).unwrap();
    // The instance is lost to a record that takes longer than the settings are good for.
    let error = stage.apply(&mut batch(&["a", "bad"])).unwrap_err();
    let expected =
        "the plugin is quarantined: a fresh instance was refused: settings/until: is ***";
    assert_eq!(error.reason, expected);
}
