//! Files and the standard input as sources: no Kafka at all.

use std::fs;
use std::process::Stdio;

use tamis_tests::data::{self, Counts, Expected, Kind};
use tamis_tests::files::{assert_same, by_partition, dead_letters, staged};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, output, run};

const LANES: &str = "{ lanes: 3 }";

/// Checks that the dead letters are the records of these places in `input`, with all their bytes.
fn check_dead_letters(place: &Place, dead: &[(i32, u64)], input: &[u8]) {
    let lines: Vec<_> = data::lines(input).collect();
    let record = |&(_, index): &(i32, u64)| lines[usize::try_from(index).unwrap()].to_vec();
    let letters = dead_letters(&place.dead()).into_iter();
    let found: Vec<_> = letters.map(|letter| letter.value.unwrap().0).collect();
    assert_eq!(found, dead.iter().map(record).collect::<Vec<_>>());
}

/// Runs the main job over `files`, which hold `input` together.
fn check(files: &[(&str, &[u8])], input: &[u8], compression: &'static str) {
    let place = Place::default();
    fs::create_dir(place.path("in")).unwrap();
    for (name, content) in files {
        place.write(&format!("in/{name}"), content);
    }
    let source = format!(
        "{{ file: {{ paths: \"{}\" }} }}",
        place.path("in/*.log").display()
    );
    let job = Pipeline {
        compression,
        limits: LANES,
        ..Pipeline::default()
    };
    let ended = output(&mut run(&place.main_job(&source, job)));

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(input, 1);
    assert_eq!(Counts::of(&ended.summary()), counts);
    // In the order of their names, which is that of the files' paths and then of the bytes in them.
    let actual = by_partition(&place.out())
        .into_values()
        .collect::<Vec<_>>()
        .concat();
    assert_same("output", &actual, &written[0]);
    check_dead_letters(&place, &dead, input);
    assert_eq!(staged(&place.out()), [""; 0]);
}

#[test]
fn one_file_is_read_by_all_lanes_and_stays_in_order() {
    // 5 MB: several splits.
    let input = data::logs(20_000, Kind::Odd);
    check(&[("a.log", &input)], &input, "none");
}

#[test]
fn carriage_returns_at_the_end_of_lines_are_no_part_of_records() {
    let input = data::logs(2_000, Kind::Odd);
    let with_returns = data::lines(&input).map(|line| [line, b"\r\n"].concat());
    check(
        &[("a.log", &with_returns.collect::<Vec<_>>().concat())],
        &input,
        "gzip",
    );
}

#[test]
fn all_files_that_match_are_read_and_the_last_line_needs_no_end() {
    let input = data::logs(3_000, Kind::Odd);
    let cuts: Vec<_> = input
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .collect();
    let (a, b) = (cuts[100].0 + 1, cuts[2_000].0 + 1);
    let files = [
        ("a.log", &input[..a]),
        ("b.log", &input[a..b]),
        ("c.log", &input[b..input.len() - 1]),
        ("d.txt", b"is not read"),
        ("e.log", b""),
    ];
    check(&files, &input, "zstd");
}

#[test]
fn the_standard_input_is_read_to_its_end() {
    let place = Place::default();
    let input = data::logs(20_000, Kind::Odd);
    let job = place.main_job(
        "{ stdin: {} }",
        Pipeline {
            limits: LANES,
            ..Pipeline::default()
        },
    );
    let mut tamis = Running::start(run(&job).stdin(Stdio::piped()));
    tamis.write(&input);
    tamis.end_input();
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, 1);
    assert_eq!(Counts::of(&ended.summary()), counts);
    assert_same(
        "output",
        &by_partition(&place.out())["stdin-0"],
        &written[0],
    );
    check_dead_letters(&place, &dead, &input);
}

#[test]
fn a_pattern_that_names_no_file_stops_the_pipeline_with_its_name() {
    let place = Place::default();
    let source = format!(
        "{{ file: {{ paths: \"{}\" }} }}",
        place.path("*.log").display()
    );
    let ended = output(&mut run(&place.copy(&source, Pipeline::default())));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("*.log names no file"),
        "{}",
        ended.stderr
    );
}
