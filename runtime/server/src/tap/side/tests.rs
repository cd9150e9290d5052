use expect_test::{Expect, expect};

use super::*;

fn part(value: &[u8]) -> Part {
    Part {
        value: Some(Content(value.to_vec())),
        value_bytes: value.len(),
        key: None,
        route: None,
        headers: Content(Vec::new()),
        timestamp_ms: 5,
    }
}

fn shown(fate: Fate, before: &[u8], after: &[&[u8]]) -> Shown {
    Shown {
        topic: "logs".into(),
        partition: 0,
        offset: 42,
        number: 0,
        version: "1.0.0".into(),
        fate,
        reasons: Vec::new(),
        before: part(before),
        after: after.iter().map(|value| part(value)).collect(),
        more: 0,
    }
}

fn check(shown: &Shown, columns: usize, expected: &Expect) {
    let lines = by_side(shown, "mask", columns, false);
    let wide = lines
        .iter()
        .filter(|line| crate::table::columns(line) > columns);
    assert_eq!(wide.count(), 0, "{lines:#?}");
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn what_differs_is_marked() {
    let one = br#"{"Type":"error","Msg":"\u652f\u4ed8 failed","n":1,"phone":"138"}"#;
    let other = br#"{"Type":"error","Msg":"***","n":1,"level":7}"#;
    let mut emitted = shown(Fate::Emit, one, &[other]);
    emitted.after[0].route = Some(Content(b"audit".to_vec()));
    emitted.after[0].timestamp_ms = 6;
    check(
        &emitted,
        60,
        &expect![[r#"
        logs/0/42  mask 1.0.0  emit
        Type: "error"                  Type: "error"
        Msg: "支付 failed"           ~ Msg: "***"
        n: 1                           n: 1
        phone: "138"                 -
                                     + level: 7
                                     + route: audit
        time: 5 ms                   ~ time: 6 ms
    "#]],
    );
    let coloured = by_side(&emitted, "mask", 60, true).join("\n");
    assert!(coloured.contains("\x1b[32mlevel: 7\x1b[0m"), "{coloured}");
}

#[test]
fn what_goes_on_no_further_says_so() {
    let mut rejected = shown(Fate::Reject, b"no JSON \xff\x1b[2J", &[]);
    rejected.reasons = vec!["not JSON\n".into()];
    check(
        &rejected,
        60,
        &expect![[r#"
        logs/0/42  mask 1.0.0  reject: not JSON\n
        no JSON \xff\u{1b}[2J        - (refused)
    "#]],
    );
    check(
        &shown(Fate::Drop, br#"{"a":1,"b":2}"#, &[]),
        60,
        &expect![[r#"
            logs/0/42  mask 1.0.0  drop
            a: 1                         - (dropped)
            b: 2                         -
        "#]],
    );
}

#[test]
fn wide_letters_and_long_values_fit_and_what_was_cut_is_told() {
    let long = format!("{{\"Msg\":\"{}\",\"a\":1}}", "日志".repeat(100));
    let mut kept = shown(Fate::Keep, long.as_bytes(), &[long.as_bytes()]);
    kept.after[0].value_bytes = 70_000;
    check(
        &kept,
        40,
        &expect![[r#"
        logs/0/42  mask 1.0.0  keep
        Msg: "日志日志日…    Msg: "日志日志日…
        a: 1                 a: 1
        these are the first 616 of 70000 bytes
    "#]],
    );
}

#[test]
fn several_outputs_stand_below_each_other() {
    let mut two = shown(Fate::Emit, b"a", &[b"a", b"b"]);
    two.more = 3;
    check(
        &two,
        60,
        &expect![[r#"
        logs/0/42  mask 1.0.0  emit
        output 1 of 5
        a                              a
        output 2 of 5
        a                            ~ b
        3 more outputs are not shown
    "#]],
    );
}
