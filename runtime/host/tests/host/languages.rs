//! The laws of plugins, on plugins that bring a language along: `tests/hostile/python` and `tests/hostile/js`, which do the same.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use tamis_core::batch::{Batch, BatchBuilder, Row, Span};
use tamis_core::id::Partition;
use tamis_host::{
    Cache, CompileLimits, Compiler, Engine, Grants, OnQuarantine, Plugin, PluginLimits,
    PluginTransform,
};

use crate::support::{apply, batch, batch_at, guest, rejected, rows};

/// What a guest is called, and how it names an error of the kind that it fails with.
const GUESTS: [(&str, &str); 2] = [
    ("python", "KeyError: 'told to fail'"),
    ("js", "RangeError: told to fail"),
];
const CLOCK: Grants = Grants { clock: true };

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An engine that takes what `tests/hostile/build` compiled: to compile such a guest takes longer than all that is tried here.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let compiler = Compiler {
            program: root().join("target/release/tamis"),
            arguments: vec!["plugin".into(), "compile".into()],
            limits: CompileLimits {
                memory_bytes_max: 4 << 30,
                cpu_time: Duration::from_secs(120),
            },
            cache: Some(Cache::open(&root().join("target/hostile/cache")).unwrap()),
        };
        Engine::compiling_by(compiler).unwrap()
    })
}

fn plugin(name: &str) -> Arc<Plugin> {
    static PLUGINS: [OnceLock<Arc<Plugin>>; 2] = [OnceLock::new(), OnceLock::new()];
    let index = GUESTS.iter().position(|(guest, _)| *guest == name).unwrap();
    let load = || Arc::new(Plugin::from_bytes(engine(), name, &guest(name), CLOCK).unwrap());
    Arc::clone(PLUGINS[index].get_or_init(load))
}

/// Those that a pipeline has, but for less to write and to make.
fn limits() -> PluginLimits {
    PluginLimits {
        memory_bytes_max: 64 << 20,
        batch_time: Duration::from_millis(500),
        output_bytes_max: 512 << 10,
        outputs_per_record_max: 4,
        search_time: Duration::from_secs(60),
    }
}

fn stage(name: &str, action: &str) -> PluginTransform {
    stage_within(name, action, limits())
}

fn stage_within(name: &str, action: &str, limits: PluginLimits) -> PluginTransform {
    let settings = format!(r#"{{"do": "{action}"}}"#);
    PluginTransform::new(plugin(name), "guest", settings, limits, OnQuarantine::Stop).unwrap()
}

/// For each guest.
fn each(mut check: impl FnMut(&str, &str)) {
    for (name, error) in GUESTS {
        check(name, error);
    }
}

#[test]
fn it_says_who_it_is_and_what_it_takes_to_start() {
    each(|name, _| {
        let plugin = plugin(name);
        let description = plugin.description();
        assert_eq!(description.name, format!("hostile-{name}"));
        assert_eq!(description.version, "6.6.6");
        assert!(description.wants.named().iter().all(|(_, wanted)| *wanted));
        assert!(description.settings_schema.contains("\"do\""));
        // The default limit leaves as much again.
        let bytes = plugin.memory_bytes();
        assert!(
            (4 << 20..32 << 20).contains(&bytes),
            "{name}: {bytes} bytes"
        );
    });
}

#[test]
fn the_clock_is_denied_unless_granted_and_no_one_who_does_not_use_it_needs_it() {
    each(|name, _| {
        let error =
            Plugin::from_bytes(engine(), name, &guest(name), Grants::default()).unwrap_err();
        let denied =
            format!("{name} imports `clock`, which is denied; grant it with grants: [clock]");
        assert_eq!(error.to_string(), denied);
        let mut batch = batch(&["bad"]);
        apply(&mut stage(name, "clock"), &mut batch);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let [row] = &rows(&batch)[..] else {
            panic!("one of one")
        };
        let told: u128 = row.strip_prefix("100/0 ").unwrap().parse().unwrap();
        assert!(now.abs_diff(told) < 600_000, "{told}, and it is {now}");
    });
    for file in [
        "plugins/stacktrace/stacktrace.wasm",
        "plugins/sample/sample.wasm",
    ] {
        Plugin::load(engine(), &root().join(file), Grants::default()).unwrap();
    }
}

#[test]
fn settings_are_refused_by_field_and_an_error_at_the_start_is_told() {
    each(|name, _| {
        let start = |settings: &str| {
            let stop = OnQuarantine::Stop;
            let started =
                PluginTransform::new(plugin(name), "guest", settings.to_owned(), limits(), stop);
            started.err().map(|error| error.to_string())
        };
        let check =
            |settings: &str, expected: &str| assert_eq!(start(settings).as_deref(), Some(expected));
        check("{}", "settings/do: is missing");
        check(r#"{"do": 1}"#, "settings/do: must be a string");
        check(
            r#"{"do": "obey", "to": 1}"#,
            "settings/to: is unknown; there are do, share",
        );
        check(
            r#"{"do": "obey", "share": -1}"#,
            "settings/share: must be at least 0",
        );
        check(r#"{"do": "refuse"}"#, "settings/do: is refused");
        let told = start(r#"{"do": "fail to start"}"#).unwrap();
        assert!(told.contains("no start at hostile"), "{told}");
    });
}

/// Records of every kind, of which the outcome is the same in all languages.
fn all_kinds() -> Batch {
    let partition = Partition {
        source: "src".into(),
        topic: "日志".into(),
        number: 3,
        split: 0,
    };
    let mut headers = Vec::new();
    tamis_core::headers::push(&mut headers, "ä", Some(b"b"));
    tamis_core::headers::push(&mut headers, "none", None);
    let mut builder = BatchBuilder::new(Arc::new(partition), 4, 1024);
    let large = 1 << 40;
    builder.push(
        7,
        1_674_000_000_123,
        Some(b"key"),
        Some("value é".as_bytes()),
        &headers,
    );
    builder.push(8, -1, None, None, b"");
    builder.push(9, 0, Some(b""), Some(b""), b"");
    builder.push(large, 5, None, Some(b"\"{"), b"");
    builder.finish(large + 1)
}

#[test]
fn all_of_a_record_is_seen_alike_in_every_language() {
    let mut told = GUESTS.map(|(name, _)| {
        let mut batch = all_kinds();
        apply(&mut stage(name, "echo"), &mut batch);
        rows(&batch)
    });
    let expected = [
        r#"7/0 ["value é","key",[["ä","b"],["none",null]],1674000000123,["src","日志",3,7,0],"#,
        r#"8/0 [null,null,[],null,["src","日志",3,8,0],"#,
        r#"9/0 ["","",[],0,["src","日志",3,9,0],"#,
        r#"1099511627776/0 ["\"{",null,[],5,["src","日志",3,1099511627776,0],"#,
    ];
    for (row, expected) in told[0].iter().zip(expected) {
        assert!(row.starts_with(expected), "{row}");
    }
    assert_eq!(told[0].len(), 4);
    assert_eq!(std::mem::take(&mut told[0]), told[1]);
}

#[test]
fn what_came_can_go_on() {
    each(|name, _| {
        let mut batch = batch(&["a", "", "é"]);
        let before: Vec<_> = batch.rows().iter().map(|row| seen(&batch, row)).collect();
        apply(&mut stage(name, "pass on"), &mut batch);
        let after: Vec<_> = batch.rows().iter().map(|row| seen(&batch, row)).collect();
        assert_eq!(after, before, "{name}");
        assert_ne!(batch.rows()[0].value.place().0, 0, "it has been copied");
    });
}

/// All of a row, as text.
fn seen(batch: &Batch, row: &Row) -> String {
    let text =
        |span: Span| String::from_utf8_lossy(batch.bytes(span).unwrap_or_default()).into_owned();
    let (value, key, headers) = (text(row.value), text(row.key), text(row.headers));
    format!(
        "{} {} {value} {key} {headers:?}",
        row.offset, row.timestamp_ms
    )
}

#[test]
fn each_fate_and_edit_is_what_it_says() {
    each(|name, _| {
        let values = [
            "twice", "replace", "a", "raise", "reject", "drop", "", "json",
        ];
        let mut batch = batch(&values);
        let applied = apply(&mut stage(name, "obey"), &mut batch);
        let expected = [
            "100/0 first",
            "100/1 second",
            "101/0 replaced",
            "102/0 a",
            "106/0 ",
        ];
        assert_eq!(rows(&batch), expected);
        let routes = batch
            .rows()
            .iter()
            .map(|row| batch.bytes(row.route).unwrap_or_default());
        assert_eq!(
            routes.collect::<Vec<_>>(),
            [&b"left"[..], b"right", b"", b"", b""]
        );
        let [thrown, told, invalid] = &rejected(&applied)[..] else {
            panic!("{applied:?}")
        };
        assert_eq!((&**thrown, &**told), ("103/0 thrown", "104/0 told to"));
        assert!(invalid.starts_with("107/0 invalid JSON: "), "{invalid}");
        assert_eq!(applied.dropped, 1);
    });
}

#[test]
fn edits_leave_every_other_byte_as_it_was() {
    each(|name, _| {
        let whole = r#" { "id" : 12345678901234567890, "old":1, "x":1.10 ,"there":[ 1, 2 ] } "#;
        let mut batch = batch(&[whole, "{}", r#"{"there":1}"#, "[]"]);
        let applied = apply(&mut stage(name, "edit"), &mut batch);
        let edited = r#" { "id" : 12345678901234567890, "x":1.10 ,"there":[ 1, 2.5 ] ,"new":{"ä":[1,"é",null]}} "#;
        let made = r#"{"new":{"ä":[1,"é",null]},"there":{"1":2.5}}"#;
        assert_eq!(
            rows(&batch),
            [format!("100/0 {edited}"), format!("101/0 {made}")]
        );
        let reasons = rejected(&applied);
        assert_eq!(reasons.len(), 2);
        assert!(
            reasons.iter().all(|it| it.contains(" cannot be edited: ")),
            "{reasons:?}"
        );
    });
}

#[test]
fn what_is_nested_without_end_is_refused_like_any_other_invalid_json() {
    let (arrays, objects) = ("[".repeat(100_000), r#"{"a":"#.repeat(100_000));
    each(|name, _| {
        let mut batch = batch(&[&arrays, "{}", &objects]);
        let applied = apply(&mut stage(name, "edit"), &mut batch);
        let reasons = rejected(&applied);
        assert_eq!(
            (reasons.len(), batch.rows().len()),
            (2, 1),
            "{name}: {reasons:?}"
        );
        let is_said = |it: &String| it.contains(" invalid JSON: ");
        assert!(reasons.iter().all(is_said), "{name}: {reasons:?}");
    });
}

#[test]
fn answers_agree_in_batches_of_any_size() {
    let kinds = [
        "twice", "replace", "a", "raise", "fail", "drop", "count", "",
    ];
    let records: Vec<_> = (0..60)
        .map(|at| (100 + at as u64, kinds[at * 5 % kinds.len()]))
        .collect();
    let outcome = |name: &str, size: usize| {
        let mut stage = stage(name, "obey");
        let (mut went_on, mut refused, mut counted) = (Vec::new(), Vec::new(), 0);
        for part in records.chunks(size) {
            let mut batch = batch_at(part);
            let applied = apply(&mut stage, &mut batch);
            went_on.extend(rows(&batch));
            refused.extend(rejected(&applied).into_iter().map(|it| it[..8].to_owned()));
            counted += applied
                .counted
                .iter()
                .map(|(_, amount)| amount)
                .sum::<u64>();
        }
        (went_on, refused, counted)
    };
    let expected = outcome("python", 60);
    assert_eq!(expected.2, 7);
    each(|name, _| {
        for size in [1, 7, 60] {
            assert_eq!(outcome(name, size), expected, "{name}, {size} at once");
        }
    });
}

/// What the bad record is refused for.
fn check_failure(name: &str, action: &str, expected: &str) {
    let mut batch = batch(&["a", "bad", "b"]);
    let applied = apply(&mut stage(name, action), &mut batch);
    assert_eq!(rows(&batch), ["100/0 a", "102/0 b"], "{name}: {action}");
    let [reason] = &rejected(&applied)[..] else {
        panic!("{name}: {action}: {applied:?}")
    };
    let reason = reason.strip_prefix("101/0 trap: ").unwrap_or(reason);
    assert!(reason.starts_with(expected), "{name}: {action}: {reason}");
}

#[test]
fn whatever_goes_wrong_ends_one_record_alone() {
    let unreachable = "wasm `unreachable` instruction executed";
    let said = |words: &str| format!("{unreachable}: {words}");
    each(|name, _| {
        check_failure(name, "loop", "time limit of 500 ms");
        check_failure(name, "allocate", "memory limit of 64 MiB");
        check_failure(name, "large", "output limit of 512 KiB");
        check_failure(name, "many", "limit of 4 outputs of one record");
        check_failure(
            name,
            "return nothing",
            &said("TypeError: process returned "),
        );
    });
    check_failure(
        "python",
        "fail",
        &said("ValueError: cannot stand this record at hostile_python.py:"),
    );
    check_failure(
        "js",
        "fail",
        &said("RangeError: cannot stand this record at hostile.ts:"),
    );
    check_failure("python", "recurse", &said("RecursionError: "));
    check_failure(
        "js",
        "recurse",
        &said("InternalError: too much recursion at hostile.ts:"),
    );
}

#[test]
fn there_is_no_operating_system() {
    let unreachable = "wasm `unreachable` instruction executed";
    let said = |what: &str| format!("{unreachable}: OSError: a plugin has no {what}");
    check_failure(
        "python",
        "read a file",
        &said("files at hostile_python.py:"),
    );
    check_failure(
        "python",
        "tell the time",
        &said("clock; see tamis_sdk.now_ms"),
    );
    check_failure("python", "sleep", &said("clock; see tamis_sdk.now_ms"));
    check_failure(
        "python",
        "ask for randomness",
        &said("randomness: a replay has to decide alike"),
    );
    check_failure("js", "sleep", unreachable);
    check_failure("js", "fetch", unreachable);
    // What is printed is heard by nobody, and harms nobody.
    each(|name, _| {
        check_failure(
            name,
            "print",
            &format!("{unreachable}: TypeError: process returned "),
        )
    });
    // The time at which the plugin was built.
    let time = || {
        let mut batch = batch(&["bad"]);
        rejected(&apply(&mut stage("js", "tell the time"), &mut batch))
    };
    assert_eq!(time(), time());
}

#[test]
fn of_many_records_only_the_guilty_are_rejected_and_the_rest_is_counted_once() {
    each(|name, error| {
        let mut values = ["count"; 200];
        values[61] = "fail";
        values[199] = "fail";
        let mut batch = batch(&values);
        let applied = apply(&mut stage(name, "obey"), &mut batch);
        assert_eq!(rows(&batch).len(), 198);
        let reasons = rejected(&applied);
        assert_eq!(reasons.len(), 2);
        assert!(reasons.iter().all(|it| it.contains(error)), "{reasons:?}");
        assert_eq!(
            applied
                .counted
                .iter()
                .map(|(_, amount)| amount)
                .sum::<u64>(),
            198
        );
    });
}

#[test]
fn an_instance_lasts_from_batch_to_batch_and_a_failure_ends_it() {
    each(|name, _| {
        let mut stage = stage(name, "remember");
        let mut last = |values: &[&str]| {
            let mut batch = batch(values);
            apply(&mut stage, &mut batch);
            rows(&batch)
                .pop()
                .unwrap()
                .rsplit_once(' ')
                .unwrap()
                .1
                .to_owned()
        };
        for count in 1..100 {
            assert_eq!(last(&["a", "b"]), (2 * count).to_string(), "{name}");
        }
        // The good one gets a fresh instance, which goes on.
        assert_eq!(last(&["a", "fail"]), "1", "{name}");
    });
}

#[test]
fn an_instance_that_grows_is_replaced_before_its_memory_is_at_the_limit() {
    each(|name, _| {
        let mut stage = stage(name, "grow");
        let mut fresh = 0;
        for _ in 0..300 {
            let mut batch = batch(&["a"]);
            let applied = apply(&mut stage, &mut batch);
            assert_eq!(rejected(&applied), [""; 0], "{name}");
            fresh += u32::from(rows(&batch) == ["100/0 1"]);
        }
        // Of 150 MiB each instance takes a part, and a usual batch is no reason to replace one.
        assert!((3..60).contains(&fresh), "{name}: {fresh} instances");
        assert!(stage.memory_bytes() <= limits().memory_bytes_max);
    });
}

#[test]
fn a_limit_that_is_too_small_to_start_says_so() {
    each(|name, _| {
        let limits = PluginLimits {
            memory_bytes_max: 4 << 20,
            ..limits()
        };
        let settings = r#"{"do": "obey"}"#.to_owned();
        let started =
            PluginTransform::new(plugin(name), "guest", settings, limits, OnQuarantine::Stop);
        let expected = "it did not start: memory limit of 4 MiB; raise memory_bytes_max in its limits, \
                        `tamis plugin inspect` shows what it takes to start";
        assert_eq!(
            started.err().map(|error| error.to_string()).as_deref(),
            Some(expected),
            "{name}"
        );
    });
}
