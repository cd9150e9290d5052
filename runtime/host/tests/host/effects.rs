//! What a plugin counts and logs takes effect once, with the answer that it came with.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use tamis_core::transform::Transform;
use tamis_host::{Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform};

use crate::support::{apply, batch, engine, guest, limits, rejected, rows, stage, stage_within};

/// What was counted, all together.
fn sum(counted: &[(String, u64)]) -> u64 {
    assert!(
        counted.iter().all(|(name, _)| name == "seen"),
        "{counted:?}"
    );
    counted.iter().map(|(_, amount)| amount).sum()
}

#[test]
fn what_is_counted_goes_on_with_the_records() {
    let mut batch = batch(&["count", "a", "count", "drop"]);
    let applied = apply(&mut stage("obey"), &mut batch);
    assert_eq!(rows(&batch), ["100/0 count", "101/0 a", "102/0 count"]);
    assert_eq!((sum(&applied.counted), applied.dropped), (4, 1));
}

#[test]
fn a_batch_that_is_kept_as_a_whole_is_counted_too() {
    let mut batch = batch(&["count", "a"]);
    let before = batch.rows().to_vec();
    let applied = apply(&mut stage("obey"), &mut batch);
    assert_eq!((batch.rows(), sum(&applied.counted)), (&before[..], 2));
}

#[test]
fn around_a_trap_each_record_is_counted_once() {
    let mut batch = batch(&["count", "count", "a", "trap", "count", "count", "b"]);
    let applied = apply(&mut stage("obey"), &mut batch);
    assert_eq!(rejected(&applied).len(), 1);
    assert_eq!(sum(&applied.counted), 8);
}

#[test]
fn a_batch_that_passes_by_a_quarantined_plugin_leaves_no_counts() {
    // It is over the limit as a whole and in its halves, until the answers to its parts are too much together.
    let limits = PluginLimits {
        output_bytes_max: 16,
        ..limits()
    };
    let mut stage = stage_within("obey", limits, OnQuarantine::Bypass);
    let mut values = ["replace"; 64];
    values[0] = "count";
    let mut batch = batch(&values);
    let applied = apply(&mut stage, &mut batch);
    assert_eq!((rows(&batch).len(), applied.counted), (64, vec![]));
}

/// A place for lines of the log.
/// What was logged on this thread, whatever other tests log on theirs.
struct Lines;

thread_local! {
    static SAID: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Lines {
    /// Begins to listen. For all tests of the program: one that listens for itself alone may not be heard, where others begin or end
    /// at the same moment.
    fn listen() -> Self {
        static LISTENS: Once = Once::new();
        LISTENS.call_once(|| {
            tracing_subscriber::fmt()
                .with_writer(|| Self)
                .with_ansi(false)
                .init();
        });
        Self
    }

    fn text(&self) -> String {
        SAID.with_borrow(|said| String::from_utf8_lossy(said).into_owned())
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SAID.with_borrow_mut(|said| said.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stage whose plugin has a budget for its log that no other test spends.
fn stage_alone() -> PluginTransform {
    let (bytes, none) = (guest("hostile"), Grants::default());
    let plugin = Plugin::from_bytes(engine(), "hostile.wasm", &bytes, none).unwrap();
    let (plugin, obey) = (Arc::new(plugin), r#"{"do": "obey"}"#.to_owned());
    PluginTransform::new(plugin, "guest", obey, limits(), OnQuarantine::Stop).unwrap()
}

#[test]
fn a_plugin_that_says_too_much_is_heard_now_and_then() {
    let (lines, mut stage) = (Lines::listen(), stage_alone());
    // Of each answer more lines are looked at than may be said at once.
    for _ in 0..3 {
        apply(&mut stage, &mut batch(&["say"; 1_000]));
    }
    let text = lines.text();
    let said = text.matches("hello").count();
    // A hundred at once, and ten more a second.
    assert!((1..=150).contains(&said), "{said}: {text}");
    assert!(text.contains("plugin=guest"), "{text}");
    assert!(text.contains("partition=logs/3 offset=100"), "{text}");
    // As soon as it may say something again, what it could not say is said with it.
    for _ in 0..500 {
        apply(&mut stage, &mut batch(&["say"]));
        if lines.text().contains("passed_over=") {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{}", lines.text());
}

#[test]
fn an_attempt_that_fails_leaves_no_trace_and_one_that_does_not_says_nothing_by_itself() {
    let (lines, mut stage) = (Lines::listen(), stage_alone());
    let mut good = batch(&["say", "count"]);
    let mut applied = stage.attempt(&mut good).unwrap();
    assert_eq!(lines.text(), "");
    std::mem::take(&mut applied.said).say(&good);
    assert!(lines.text().contains("hello"), "{}", lines.text());

    let mut guilty = self::stage("panic");
    let mut bad = batch(&["a", "bad", "b"]);
    let reason = guilty.attempt(&mut bad).unwrap_err();
    assert!(!reason.is_empty());
    assert_eq!(bad.rows().len(), 3, "it is as it was");
    // An instance that failed is not asked again.
    let mut harmless = batch(&["a", "b"]);
    guilty.attempt(&mut harmless).unwrap();
    assert_eq!(harmless.rows().len(), 2);
}
