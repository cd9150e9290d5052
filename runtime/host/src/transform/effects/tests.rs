use tamis_core::batch::Span;

use super::*;

/// What these words about two records, at 7 and 8, come to.
fn check(names: &[i32], counts: &[u64], logs: &[i32], text: &str, expected: Result<&str, &str>) {
    let words = Words {
        count_names: names.to_vec(),
        counts: counts.to_vec(),
        logs: logs.to_vec(),
        text: text.into(),
    };
    let none = Span::NONE;
    let row = |offset| Row {
        offset,
        timestamp_ms: 0,
        number: 0,
        value: none,
        key: none,
        headers: none,
        route: none,
    };
    let effects = Effects::of(&words, &[row(7), row(8)]);
    let told = effects.map(|effects| {
        let counts = effects
            .counts
            .iter()
            .map(|(name, amount)| format!("{name}+{amount}"));
        let line = |line: &Line| format!("{:?} {:?} {}", line.level, line.offset, line.text);
        let lines = effects.lines.iter().map(line);
        counts.chain(lines).collect::<Vec<_>>().join("; ")
    });
    let told = told.map_err(|cause| cause.to_string());
    assert_eq!(told.as_deref().map_err(String::as_str), expected);
}

#[test]
fn counts_and_lines_take_the_words_in_order() {
    check(&[], &[], &[], "", Ok(""));
    check(
        &[1, 3],
        &[5, u64::MAX],
        &[],
        "ab_1",
        Ok("a+5; b_1+18446744073709551615"),
    );
    let logs = [2, -1, 5, 0, 1, 0];
    check(
        &[1],
        &[5],
        &logs,
        "ahello",
        Ok("a+5; Info None hello; Error Some(8) "),
    );
    check(&[], &[], &[3, 0, 4], "a\nb\u{7}", Ok("Debug Some(7) a b "));
}

#[test]
fn words_out_of_step_are_malformed() {
    let check = |names: &[i32], counts: &[u64], logs: &[i32], text: &str, how: &str| {
        let how = format!("malformed answer: {how}");
        check(names, counts, logs, text, Err(&how));
    };
    check(&[1], &[], &[], "a", "0 counts with 1 names");
    check(
        &[1; 65],
        &[1; 65],
        &[],
        &"a".repeat(65),
        "65 counts, more than 64",
    );
    let name = "a count whose name is not 1 to 64 of a-z, 0-9 and _";
    check(&[0], &[1], &[], "", name);
    check(&[1], &[1], &[], "A", name);
    check(&[65], &[1], &[], &"a".repeat(65), name);
    check(&[2], &[1], &[], "a", "a word of 2 bytes where 1 are left");
    check(&[-1], &[1], &[], "a", "a word of -1 bytes where 1 are left");
    check(
        &[],
        &[],
        &[2, -1],
        "",
        "the last line of the log has 2 of 3 numbers",
    );
    check(
        &[],
        &[],
        &[4, -1, 0],
        "",
        "a line of the log has the unknown level 4",
    );
    check(
        &[],
        &[],
        &[0, 2, 0],
        "",
        "a line of the log is about record 2 of 2",
    );
    check(
        &[],
        &[],
        &[0, -2, 0],
        "",
        "a line of the log is about record -2 of 2",
    );
    check(
        &[],
        &[],
        &[0, -1, 1],
        "ab",
        "1 bytes of words belong to no count and no line",
    );
}

#[test]
fn of_many_lines_some_are_but_counted() {
    let words = Words {
        logs: [2, -1, 0].repeat(LINES_MAX + 3),
        ..Words::default()
    };
    let effects = Effects::of(&words, &[]).unwrap();
    assert_eq!((effects.lines.len(), effects.more), (LINES_MAX, 3));
}

#[test]
fn the_effects_of_many_parts_take_no_more_room_than_those_of_one() {
    let line = || Line {
        level: Level::Info,
        offset: None,
        text: String::new(),
    };
    let part = |names: std::ops::Range<u32>| Effects {
        counts: names.map(|number| (format!("n{number}"), 2)).collect(),
        lines: (0..100).map(|_| line()).collect(),
        more: 1,
    };
    let mut all = part(0..50);
    all.absorb(part(40..70));
    all.absorb(part(0..1));
    assert_eq!((all.lines.len(), all.more), (LINES_MAX, 3 + 172));
    let sum = |name: &str| all.counts.iter().find(|it| it.0 == name).map(|it| it.1);
    let sums = ["n0", "n45", "n63", "n64", OTHER_COUNTS].map(sum);
    assert_eq!(sums, [Some(4), Some(4), Some(2), None, Some(12)]);
    assert_eq!(all.counts.len(), COUNTS_MAX + 1);
}
