//! Tests of reading lines from a pipe.

use std::io::Write as _;

use super::*;
use crate::testing::{self, Memory, keyed};

fn source(input: impl Read + Send + 'static) -> Box<StdinSource> {
    let limits = BatchLimits {
        records_max: 100,
        bytes_max: 1 << 20,
    };
    Box::new(StdinSource {
        name: "stdin".into(),
        input: Box::new(input),
        limits,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_to_the_end_of_the_input_is_a_record() {
    let (store, _hears) = Memory::new();
    let (dead, _none) = Memory::new();
    let input: String = (0..5000)
        .map(|line| format!("line {line} {}\n", "x".repeat(50)))
        .collect();
    let input = format!("{input}last");
    let source = source(io::Cursor::new(input.clone().into_bytes()));
    testing::run(testing::pipeline(source, 2, keyed(&store), dead))
        .await
        .unwrap();
    let (mut offset, mut expected) = (0, std::collections::BTreeMap::new());
    for line in input.lines() {
        expected.insert(
            format!("stdin/stdin/0/{offset}/0"),
            line.as_bytes().to_vec(),
        );
        offset += line.len() + 1;
    }
    assert!(
        store.values() == expected,
        "{} records",
        store.values().len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_not_held_back_and_a_blocked_read_does_not_hinder_a_stop() {
    let (store, mut hears) = Memory::new();
    let (dead, _none) = Memory::new();
    let (input, mut to) = io::pipe().unwrap();
    let pipeline = testing::pipeline(source(input), 1, keyed(&store), dead);
    let stop = pipeline.stop();
    let running = tokio::spawn(testing::run(pipeline));
    to.write_all(b"one\ntwo\nhalf a li").unwrap();
    assert_eq!(hears.recv().await.unwrap(), b"one");
    assert_eq!(hears.recv().await.unwrap(), b"two");
    to.write_all(b"ne\n").unwrap();
    assert_eq!(hears.recv().await.unwrap(), b"half a line");
    to.write_all(b"never ended").unwrap();
    stop.stop();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.unsettled, store.values().len()), (0, 3));
    drop(to);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_fails_stops_the_pipeline() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("torn cable"))
        }
    }
    let (store, _hears) = Memory::new();
    let (dead, _none) = Memory::new();
    let pipeline = testing::pipeline(source(Broken), 1, keyed(&store), dead);
    let error = testing::run(pipeline).await.unwrap_err();
    assert!(error.to_string().contains("torn cable"), "{error}");
}
