//! What a plugin that keeps to the contract makes of a batch.

use tamis_core::batch::Span;
use tamis_core::transform::Applied;

use crate::support::{apply, batch, batch_at, rejected, rows, stage};

/// Gives each record to a guest that takes its value for a command.
fn check(values: &[&str], expected: &[&str], refused: &[&str], dropped: u64) -> Applied {
    let mut batch = batch(values);
    let applied = apply(&mut stage("obey"), &mut batch);
    assert_eq!(rows(&batch), expected);
    assert_eq!(rejected(&applied), refused);
    assert_eq!(applied.dropped, dropped);
    applied
}

#[test]
fn every_record_gets_its_fate_and_order_stays() {
    check(
        &[
            "a", "drop", "twice", "nothing", "replace", "reject", "b", "empty", "bury", "same",
        ],
        &[
            "100/0 a",
            "102/0 first",
            "102/1 second",
            "104/0 replaced",
            "106/0 b",
            "107/0 ",
            "108/0 (none)",
            "109/0 same",
        ],
        &["105/0 told to"],
        2,
    );
    check(&["drop"], &[], &[], 1);
    check(&["reject"], &[], &["100/0 told to"], 0);
    check(&["empty"], &["100/0 "], &[], 0);
}

#[test]
fn reasons_are_made_fit_for_people() {
    let applied = check(
        &["reject in bytes", "a"],
        &["101/0 a"],
        &["100/0 \u{FFFD}x"],
        0,
    );
    assert_eq!(applied.rejected[0].offset, 100);
    let applied = apply(&mut stage("obey"), &mut batch(&["reject at length"]));
    assert_eq!(applied.rejected[0].reason, "no".repeat(2_048));
}

#[test]
fn a_batch_that_is_kept_is_not_touched() {
    let mut batch = batch(&["a", "b", "c"]);
    let before = (batch.rows().to_vec(), batch.next_buffer());
    let applied = apply(&mut stage("obey"), &mut batch);
    assert_eq!((batch.rows().to_vec(), batch.next_buffer()), before);
    assert_eq!((applied.dropped, applied.rejected.len()), (0, 0));
}

#[test]
fn a_kept_row_keeps_its_place_among_emitted_ones() {
    let mut batch = batch(&["a", "twice", "b"]);
    let before = batch.rows().to_vec();
    apply(&mut stage("obey"), &mut batch);
    assert_eq!((batch.rows()[0], batch.rows()[3]), (before[0], before[2]));
}

#[test]
fn a_batch_without_rows_is_not_handed_over() {
    let mut batch = batch(&["drop"]);
    let mut stage = stage("obey");
    apply(&mut stage, &mut batch);
    let applied = apply(&mut stage, &mut batch);
    assert_eq!((applied.dropped, rows(&batch).len()), (0, 0));
}

#[test]
fn what_is_said_to_be_the_same_is_the_records_own() {
    let mut batch = batch(&["same", "bare", "dress", "twice"]);
    let [same, bare, dress, twice] = batch.rows().to_vec().try_into().unwrap();
    apply(&mut stage("obey"), &mut batch);
    let out = batch.rows();
    assert_eq!(
        (out[0].value, out[0].key, out[0].headers),
        (same.value, same.key, same.headers)
    );
    assert_eq!(
        (out[1].value, out[1].key, out[1].headers),
        (bare.value, Span::NONE, Span::NONE)
    );
    assert_eq!(
        (out[2].value, batch.bytes(out[2].key)),
        (dress.value, Some(&b"new"[..]))
    );
    let headers = batch.bytes(out[2].headers).unwrap();
    let headers: Vec<_> = tamis_core::headers::iter(headers).collect();
    assert_eq!(headers, [("h", Some(&b"hi"[..]))]);
    let routes: Vec<_> = out[3..]
        .iter()
        .map(|row| batch.bytes(row.route).unwrap())
        .collect();
    assert_eq!(routes, [b"left".as_slice(), b"right"]);
    assert_eq!(out[0].route, Span::NONE);
    assert_eq!((out[4].key, out[4].headers), (twice.key, twice.headers));
}

#[test]
fn a_row_has_its_own_time_or_that_of_its_record() {
    let times = |values: &[&str]| {
        let mut batch = batch(values);
        apply(&mut stage("obey"), &mut batch);
        batch
            .rows()
            .iter()
            .map(|row| row.timestamp_ms)
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&["a", "twice"]), [7, 7, 7]);
    assert_eq!(times(&["later", "twice"]), [7, 1_007, 1_007]);
}

#[test]
fn a_plugin_knows_where_its_records_come_from() {
    let mut batch = batch(&["drop", "where", "a", "where"]);
    apply(&mut stage("obey"), &mut batch);
    let expected = [
        "101/0 src/logs/3/101/0",
        "102/0 a",
        "103/0 src/logs/3/103/0",
    ];
    assert_eq!(rows(&batch), expected);
}

#[test]
fn outputs_of_one_input_have_numbers_of_their_own_through_all_stages_even_if_others_are_refused() {
    let values = ["twice", "reject", "twice", "replace"];
    let mut batch = batch_at(&[
        (5, values[0]),
        (5, values[1]),
        (5, values[2]),
        (6, values[3]),
    ]);
    // As a stage before would have left them: three of one input.
    let mut made = batch.rows().to_vec();
    (made[1].number, made[2].number) = (1, 2);
    batch.replace(made, None);

    let applied = apply(&mut stage("obey"), &mut batch);
    let expected = [
        "5/0 first",
        "5/3 second",
        "5/2 first",
        "5/5 second",
        "6/0 replaced",
    ];
    assert_eq!(rows(&batch), expected);
    assert_eq!(rejected(&applied), ["5/1 told to"]);

    // All that is left of the first input is its last output, which is made two of once more.
    let command = batch.original(5).unwrap().value;
    let mut left = vec![batch.rows()[3]];
    left[0].value = command;
    batch.replace(left, None);
    apply(&mut stage("obey"), &mut batch);
    let [kept, made] = &rows(&batch)[..] else {
        panic!("{:?}", rows(&batch))
    };
    assert_eq!((&kept[..3], &made[..4]), ("5/5", "5/11"));
}
