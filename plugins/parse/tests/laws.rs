//! What holds for every line.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use parse::Parse;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use tamis_sdk::testing::{self, TestFate, TestRecord};

const ALL: &str = r#"["json","zap_console","combined","rfc5424","rfc3164","logback","logfmt"]"#;

/// The object that `line` becomes.
fn parsed(formats: &str, line: &[u8]) -> Map<String, Value> {
    let settings = format!(r#"{{"formats":{formats}}}"#);
    let fates = testing::run::<Parse>(&settings, &[TestRecord::new(line)]);
    let json = match &fates[0] {
        TestFate::Keep => line,
        TestFate::Emit(outputs) => outputs[0].value.as_deref().expect("no tombstone"),
        fate @ (TestFate::Drop | TestFate::Reject(_)) => panic!("{fate:?}"),
    };
    serde_json::from_slice(json).expect("a JSON object")
}

const LINES: [&str; 7] = [
    "2023-01-18T12:00:00.123+0800\tINFO\tapp\tserver/main.go:42\tuser logged in\t{\"user_id\": 42}",
    "1.674014400123e+09\twarn\tm",
    "203.0.113.9 - - [18/Jan/2023:12:00:00 +0800] \"GET / HTTP/1.1\" 200 612 \"-\" \"a \\\"b\\\" \\xe4\" \"x\" y",
    "<34>Jan 18 12:00:00 host app[42]: message",
    "<165>1 2003-10-11T22:14:15.003Z host app 42 ID47 [id@1 a=\"b\" a=\"c\\]\"] message",
    "2023-01-18 12:00:00.123  INFO 42 --- [app] [main] c.e.App : message",
    "time=2023-01-18T12:00:00+08:00 level=info msg=\"a \\u4e2d\" n=3",
];

fn word() -> impl Strategy<Value = String> {
    "[!a-zA-Z0-9_.#:\u{4e00}-\u{4eff}]{1,8}"
}

/// A text as a quoted one can have it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[\"\\\\ =\\[\\]a]{0,12}",
        "[\n\t\r\u{1}a]{0,5}"
    ]
}

/// As nginx, Apache and Go have it.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in vec(any::<u8>(), 0..200)) {
        parsed(ALL, &bytes);
    }

    #[test]
    fn a_line_that_is_nearly_one_is_not_too_odd(
        line in prop::sample::select(&LINES[..]),
        changes in vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), "[ -~\t]".prop_map(|it| it.as_bytes()[0])]), 0..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut line = line.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        parsed(ALL, &line);
        line.truncate(end.index(line.len() + 1));
        parsed(ALL, &line);
    }

    #[test]
    fn an_access_log_says_what_was_written(path in "/[!#-\\[\\]-~]{0,20}", agent in text(), status in 100..600_u64, bytes: u64) {
        let line = format!(
            "192.0.2.1 - - [18/Jan/2023:12:00:00 +0800] \"GET {path} HTTP/2.0\" {status} {bytes} \"-\" {}",
            quote(&agent)
        );
        let object = parsed(r#"["combined"]"#, line.as_bytes());
        prop_assert_eq!(&object["path"], &Value::from(path));
        prop_assert_eq!(&object["status"], &Value::from(status));
        prop_assert_eq!(&object["bytes"], &Value::from(bytes));
        if agent != "-" {
            prop_assert_eq!(&object["agent"], &Value::from(agent));
        }
    }

    #[test]
    fn logfmt_says_what_was_written(pairs in vec(("[a-z_][a-z0-9_.]{0,8}", text()), 1..8)) {
        let line: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={}", quote(value))).collect();
        let object = parsed(r#"["logfmt"]"#, line.join(" ").as_bytes());
        let is_time = |key: &str| ["time", "ts", "timestamp", "t"].contains(&key);
        let expected: Map<_, _> = pairs.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        prop_assert_eq!(object.len(), expected.len());
        for (key, value) in expected {
            prop_assert!(is_time(&key) || object[&key] == value, "{} {}", key, value);
        }
    }

    #[test]
    fn structured_data_says_what_was_written(name in "[a-zA-Z0-9@.]{1,12}", value in "\\PC{0,20}|[\"\\\\\\]a]{0,8}", message in "\\PC{0,20}") {
        let escaped: String = value
            .chars()
            .flat_map(|it| {
                let slash = matches!(it, '"' | '\\' | ']').then_some('\\');
                slash.into_iter().chain([it])
            })
            .collect();
        let line = format!("<14>1 - - - - - [id {name}=\"{escaped}\"] {message}");
        let object = parsed(r#"["rfc5424"]"#, line.as_bytes());
        prop_assert_eq!(&object["data"]["id"][&name], &Value::from(value));
        prop_assert_eq!(&object["message"], &Value::from(message.strip_prefix('\u{feff}').unwrap_or(&message)));
    }

    #[test]
    fn zap_says_what_was_written(message in "[ -~\u{4e00}-\u{4eff}]{0,30}", user in text()) {
        let fields = serde_json::json!({ "user": user });
        let line = format!("2023-01-18T12:00:00.123+0800\tINFO\ta/b.go:1\t{message}\t{fields}");
        let object = parsed(r#"["zap_console"]"#, line.as_bytes());
        prop_assert_eq!(&object["message"], &Value::from(message));
        prop_assert_eq!(&object["fields"], &fields);
    }

    #[test]
    fn syslog_and_java_say_what_was_written(app in "[a-z][a-z-]{0,10}", pid in 1..99_999_u32, message in "[!-~\u{4e00}-\u{4eff}][ -~]{0,30}", thread in word()) {
        let line = format!("Jan 18 12:00:00 host {app}[{pid}]: {message}");
        let object = parsed(r#"["rfc3164"]"#, line.as_bytes());
        prop_assert_eq!(&object["app"], &Value::from(app));
        prop_assert_eq!(&object["pid"], &Value::from(pid.to_string()));
        prop_assert_eq!(&object["message"], &Value::from(message.clone()));
        let line = format!("2023-01-18 12:00:00,123 [{thread}] WARN  com.example.App - {message}");
        let object = parsed(r#"["logback"]"#, line.as_bytes());
        prop_assert_eq!(&object["thread"], &Value::from(thread));
        prop_assert_eq!(&object["message"], &Value::from(message));
    }
}

/// What would take hours if any of it were looked at again and again takes a moment.
#[test]
fn time_is_linear() {
    const BYTES: usize = 4 << 20;
    let starts = [
        "",
        "{\"a\":",
        "<14>1 - - - - - ",
        "<14>1 - h a p m [x a=\"",
        "<14>Jan 18 12:00:00 h ",
        "2023-01-18 12:00:00 ",
        "2023-01-18 12:00:00 INFO ",
        "2023-01-18 12:00:00\tINFO\t",
        "INFO\t{",
        "a=\"",
        "192.0.2.1 - - [18/Jan/2023:12:00:00 +0800] \"",
        "192.0.2.1 - - [18/Jan/2023:12:00:00 +0800] \"a\" 200 1 \"",
    ];
    for piece in [
        "[", "]", " [", "[a] ", "\"", "\\", "\\\\", "\\x", "a=b ", "a=", "a ", "\t", "{", "1", " ",
        "\u{1b}[", "中",
    ] {
        let inner = piece.repeat(BYTES / starts.len() / piece.len());
        let lines = starts.map(|start| TestRecord::new(format!("{start}{inner}")));
        let (done, wait) = sync_channel(1);
        thread::spawn(move || {
            let settings = format!(r#"{{"formats":{ALL},"on_unparsed":"keep"}}"#);
            let fates = testing::run::<Parse>(&settings, &lines);
            done.send(fates.len())
        });
        let ended = wait.recv_timeout(Duration::from_secs(30));
        assert_eq!(ended, Ok(starts.len()), "{piece:?} repeated takes too long");
    }
}
