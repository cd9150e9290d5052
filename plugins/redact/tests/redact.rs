//! What is hidden, and what stays as it is.

use redact::Redact;
use tamis_sdk::testing::{self, TestFate, TestRecord};

const KEY: &str = "0123456789abcdef";

fn fate(settings: &str, record: impl Into<TestRecord>) -> TestFate {
    testing::run::<Redact>(settings, &[record.into()]).remove(0)
}

/// `settings` without the key, which all have.
fn check(settings: &str, record: &str, expected: &str) {
    let settings = format!(r#"{{"key":"{KEY}",{settings}}}"#);
    let fate = fate(&settings, record);
    if record == expected {
        assert_eq!(fate, TestFate::Keep, "{settings} {record}");
    } else {
        assert_eq!(fate.value(), Some(expected), "{settings} {record}");
    }
}

#[test]
fn fields_are_hidden_at_any_depth_whatever_they_are() {
    for (fields, record, expected) in [
        (r#""/a""#, r#"{"a":"x","b":"x"}"#, r#"{"a":"***","b":"x"}"#),
        (
            r#""/a/b""#,
            r#"{"b":1,"a":{"b":-1.5e3}}"#,
            r#"{"b":1,"a":{"b":"***"}}"#,
        ),
        (
            r#""/a""#,
            r#"{"a" : { "b":["}",1] } , "c":[]}"#,
            r#"{"a" : "***" , "c":[]}"#,
        ),
        (
            r#""/a/1""#,
            r#"{"a":["x", true ,"z"]}"#,
            r#"{"a":["x", "***" ,"z"]}"#,
        ),
        (
            r#""/a/1""#,
            r#"{"a":{"1":"x","01":"y"}}"#,
            r#"{"a":{"1":"***","01":"y"}}"#,
        ),
        (r#""/a/01""#, r#"{"a":["x","y"]}"#, r#"{"a":["x","y"]}"#),
        (r#""/a""#, r#"{"a":null}"#, r#"{"a":null}"#),
        (r#""/a""#, r#"{"a":1,"a":2}"#, r#"{"a":"***","a":"***"}"#),
        (r#""/a~1b~0c""#, r#"{"a/b~c":1}"#, r#"{"a/b~c":"***"}"#),
        (r#""/名""#, r#"{"\u540d":1}"#, r#"{"\u540d":"***"}"#),
        (
            r#""/u/*/n""#,
            r#"{"u":[{"n":1},{"m":2},{"n":[]}]}"#,
            r#"{"u":[{"n":"***"},{"m":2},{"n":"***"}]}"#,
        ),
        (
            r#""/*/n","/a/m""#,
            r#"{"a":{"n":1,"m":2},"b":{"n":3,"m":4}}"#,
            r#"{"a":{"n":"***","m":"***"},"b":{"n":"***","m":4}}"#,
        ),
        (r#""/a/b""#, r#"{"a":"b"}"#, r#"{"a":"b"}"#),
        (r#""/a""#, r#"["a"]"#, r#"["a"]"#),
        (r#""/0""#, r#" [ 1 , 2 ] "#, r#" [ "***" , 2 ] "#),
    ] {
        check(&format!(r#""fields":[{fields}]"#), record, expected);
    }
}

#[test]
fn what_is_removed_takes_one_comma_with_it() {
    let settings = r#""method":"remove","fields":["/a","/l/0","/l/2","/o/a"]"#;
    for (record, expected) in [
        (r#"{"a":1}"#, "{}"),
        (r#"{ "a":1 }"#, "{  }"),
        (r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
        (r#"{"b":2,"a":1}"#, r#"{"b":2}"#),
        (r#"{ "a" : null , "b" : 2 }"#, r#"{ "b" : 2 }"#),
        (r#"{ "b" : 2 , "a" : 1 }"#, r#"{ "b" : 2 }"#),
        (
            r#"{"a":1,"a":2,"b":3,"a":4,"c":5,"a":6}"#,
            r#"{"b":3,"c":5}"#,
        ),
        (r#"{"l":[1]}"#, r#"{"l":[]}"#),
        (r#"{"l":[1, 2, 3, 4]}"#, r#"{"l":[2, 4]}"#),
        (
            r#"{"o":{"b":{"a":1},"a":{"b":","}}}"#,
            r#"{"o":{"b":{"a":1}}}"#,
        ),
    ] {
        check(settings, record, expected);
    }
}

#[test]
fn a_hash_is_of_the_text_and_the_same_for_all_ways_to_write_it() {
    let phone = "hmac:523ecb40568489642145ec3bc655d72e";
    let fields = r#""method":"hash","fields":["/a"]"#;
    check(
        fields,
        r#"{"a":"13800138000"}"#,
        &format!(r#"{{"a":"{phone}"}}"#),
    );
    check(
        fields,
        r#"{"a":13800138000}"#,
        &format!(r#"{{"a":"{phone}"}}"#),
    );
    // A field that is one thing from its start to its end has the hash that it has where it is found.
    for written in [
        "+86 138-0013-8000",
        r"\u002b8613800138000",
        "%2B8613800138000",
    ] {
        let record = format!(r#"{{"a":"{written}"}}"#);
        check(fields, &record, &format!(r#"{{"a":"{phone}"}}"#));
    }
    let mail = r#"{"a":"hmac:06b4abc65ed786cc34cc7aa94a2941ca"}"#;
    check(fields, r#"{"a":"Name@Example.COM"}"#, mail);
    let secret = r#"{"a":"hmac:864a3b44d2316572ac6a59f7d19b237f"}"#;
    check(fields, r#"{"a":"a secret"}"#, secret);
    check(fields, r#"{"a":"\u0061 s\u0065cret"}"#, secret);
    let patterns = r#""method":"hash","patterns":["phone","id_card","email","bank_card"]"#;
    for (written, hash) in [
        ("13800138000", "523ecb40568489642145ec3bc655d72e"),
        ("+86 138-0013-8000", "523ecb40568489642145ec3bc655d72e"),
        ("008613800138000", "523ecb40568489642145ec3bc655d72e"),
        ("%2B86%2013800138000", "523ecb40568489642145ec3bc655d72e"),
        ("4111 1111 1111 1111", "6ab68ca2a9a5093ababdf00856c5692b"),
        ("Name@Example.COM", "06b4abc65ed786cc34cc7aa94a2941ca"),
        ("11010519491231002x", "dd6a5ba2eed683e7925b20f655c01434"),
    ] {
        let expected = format!(r#"{{"a":"<hmac:{hash}>"}}"#);
        check(patterns, &format!(r#"{{"a":"<{written}>"}}"#), &expected);
    }
}

#[test]
fn what_is_behind_a_number_is_not_in_its_hash() {
    check(
        r#""method":"hash","patterns":["phone"]"#,
        r#""+8613800138000 12 ms""#,
        r#""hmac:523ecb40568489642145ec3bc655d72e 12 ms""#,
    );
}

#[test]
fn of_fields_for_the_same_place_the_most_exact_one_counts() {
    let settings = r#""fields":["/*/*","/u/*","/*/n","/u/n","/v"],"method":"mask",
        "methods":{"/u/n":"remove","/*/n":"hash","/v":"hash"}"#;
    check(settings, r#"{"u":{"n":1,"m":2}}"#, r#"{"u":{"m":"***"}}"#);
    let hash = "hmac:864a3b44d2316572ac6a59f7d19b237f";
    check(
        settings,
        r#"{"w":{"n":"a secret","m":2}}"#,
        &format!(r#"{{"w":{{"n":"{hash}","m":"***"}}}}"#),
    );
    // What is within a field goes with it.
    let within = r#""fields":["/a/b","/a"],"methods":{"/a/b":"remove"}"#;
    check(within, r#"{"a":{"b":1}}"#, r#"{"a":"***"}"#);
}

#[test]
fn patterns_are_looked_for_in_strings_only_and_each_has_its_method() {
    let settings = r#""patterns":["phone","email","bearer_token"],"fields":["/secret"],
        "methods":{"email":"remove","/secret":"remove","bearer_token":"mask"}"#;
    check(
        settings,
        r#"{"13800138000":"call 13800138000","n":13800138000,"l":["a@b.cn, c@d.cn",{"m":"13900139000"}],"secret":1}"#,
        r#"{"13800138000":"call 138****8000","n":13800138000,"l":[", ",{"m":"139****9000"}]}"#,
    );
    check(
        settings,
        r#"{"h":"Authorization: Bearer abc.def-123=="}"#,
        r#"{"h":"Authorization: Bearer ***"}"#,
    );
    check(settings, r#""13800138000""#, r#""138****8000""#);
}

#[test]
fn escapes_neither_hide_anything_nor_are_they_touched() {
    let settings = r#""patterns":["phone","email"]"#;
    for (record, expected) in [
        (r#""\n13800138000\t""#, r#""\n138****8000\t""#),
        (r#""\u0031380013800\u0030""#, r#""138****8000""#),
        (r#""\u4e2d\/a\u0040b.cn\\""#, r#""\u4e2d\/a***@b.cn\\""#),
        (
            r#""\"13800138000\" \ud83d\ude00 13900139000\"""#,
            r#""\"138****8000\" \ud83d\ude00 139****9000\"""#,
        ),
        (r#""\u006113800138000""#, r#""\u006113800138000""#),
    ] {
        check(settings, record, expected);
    }
}

#[test]
fn what_is_no_json_has_the_fate_that_is_set() {
    let text = r#"{"patterns":["phone"],"fields":["/a"],"on_invalid":"text"}"#;
    let reject = r#"{"patterns":["phone"],"fields":["/a"]}"#;
    let record = "{\"a\":\"b\" 13800138000";
    let reason = "invalid JSON at byte 9: expected `,` or `}`".to_owned();
    assert_eq!(fate(reject, record), TestFate::Reject(reason));
    assert_eq!(fate(text, record).value(), Some("{\"a\":\"b\" 138****8000"));
    assert_eq!(fate(text, "nothing"), TestFate::Keep);
    assert_eq!(fate(text, r#"{"a":"b"}"#).value(), Some(r#"{"a":"***"}"#));
    assert_eq!(fate(text, TestRecord::tombstone()), TestFate::Keep);
}

fn check_refused(settings: &str, field: &str) {
    let error = testing::configure::<Redact>(settings).expect_err("refused");
    assert_eq!(error.field, field, "{settings}: {error}");
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    check_refused("{}", "");
    check_refused(r#"{"fields":["a"]}"#, "/fields/0");
    check_refused(r#"{"fields":["/a","/b","/a"]}"#, "/fields/2");
    check_refused(r#"{"patterns":["phone","fax"]}"#, "/patterns/1");
    check_refused(r#"{"patterns":["phone","phone"]}"#, "/patterns/1");
    check_refused(r#"{"fields":["/a"],"method":"blur"}"#, "/method");
    check_refused(r#"{"fields":["/a"],"method":"hash"}"#, "/key");
    check_refused(r#"{"fields":["/a"],"methods":{"/a":"hash"}}"#, "/key");
    check_refused(
        r#"{"fields":["/a"],"methods":{"/a":"hash"},"key":"hunter2"}"#,
        "/key",
    );
    check_refused(
        r#"{"fields":["/a"],"methods":{"/a/b":"mask"}}"#,
        "/methods/~1a~1b",
    );
    check_refused(r#"{"fields":["/a"],"on_invalid":"keep"}"#, "/on_invalid");
    check_refused(r#"{"fields":["/a"],"keys":"hunter2"}"#, "/keys");
    let many: Vec<_> = (0..65).map(|number| format!(r#""/{number}""#)).collect();
    check_refused(
        &format!(r#"{{"fields":[{}]}}"#, many.join(",")),
        "/fields/64",
    );
    let most = format!(r#"{{"fields":[{}]}}"#, many[..64].join(","));
    let last = r#"{"63":1}"#;
    assert_eq!(fate(&most, last).value(), Some(r#"{"63":"***"}"#));
}

#[test]
fn nothing_shows_the_key() {
    let settings = format!(r#"{{"fields":["/a"],"method":"hash","key":"{KEY}"}}"#);
    let plugin = testing::configure::<Redact>(&settings).expect("good settings");
    assert!(!format!("{plugin:?}").contains(KEY));
}
