//! The main job on a real broker: what is written is, byte for byte, what a program of its own worked out.

use tamis_tests::data::{self, Counts, Expected, Kind};
use tamis_tests::files::{assert_same, by_partition, dead_letters, staged};
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};

const PARTITIONS: usize = 4;

fn check(count: usize, kind: Kind, compression: &'static str) {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("main-job"));
    let topic = kafka.new_topic("main-job", 4, &[]);
    let input = data::logs(count, kind);
    kafka.produce_lines(&topic, data::lines(&input), 4);
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, PARTITIONS);
    assert!(counts.written > 0 && counts.dropped > 0, "{counts:?}");
    assert_eq!(counts.dead > 0, kind == Kind::Odd, "{counts:?}");

    let source = kafka_source(&kafka, &topic, &group);
    let job = place.main_job(
        &source,
        Pipeline {
            compression,
            ..Pipeline::default()
        },
    );
    let mut tamis = Running::start(&mut run(&job));
    tamis.await_settled(&kafka.group(&group, &topic), counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.summary();
    assert_eq!(Counts::of(&summary), counts);
    assert_eq!(summary["unsettled_batches"], 0, "{summary}");
    let actual = by_partition(&place.out());
    let names: Vec<_> = (0..PARTITIONS)
        .map(|number| format!("{topic}-{number}"))
        .collect();
    assert!(actual.keys().eq(&names), "{:?}", actual.keys());
    for (name, expected) in names.iter().zip(&written) {
        assert_same(name, &actual[name], expected);
    }
    assert_eq!(staged(&place.out()), [""; 0]);
    check_dead_letters(&place, &dead, &input);
}

fn check_dead_letters(place: &Place, dead: &[(i32, u64)], input: &[u8]) {
    let input: Vec<_> = data::lines(input).collect();
    let letters = dead_letters(&place.dead());
    let places: Vec<_> = letters.iter().map(|it| (it.partition, it.offset)).collect();
    assert_eq!(places, dead);
    for letter in letters {
        let partition = usize::try_from(letter.partition).unwrap();
        let index = usize::try_from(letter.offset).unwrap() * PARTITIONS + partition;
        let original = letter.value.as_ref().map(|value| &value.0[..]);
        assert_eq!(original, Some(input[index]), "{}", letter.id);
        assert!(
            !letter.reason.is_empty() && letter.stage_version.starts_with("0.1.0+"),
            "{letter:?}"
        );
    }
}

pub(crate) fn kafka_source(kafka: &Kafka, topic: &str, group: &str) -> String {
    let address = &kafka.address;
    // What is killed without a word leaves its group after the session's time.
    format!(
        "{{ kafka: {{ brokers: [\"{address}\"], topics: [{topic}], group: {group}, start_at: earliest, \
         properties: {{ session.timeout.ms: 6000 }} }} }}"
    )
}

#[test]
fn odd_records_become_what_was_worked_out() {
    check(200_000, Kind::Odd, "zstd");
}

#[test]
fn usual_records_become_what_was_worked_out() {
    check(20_000, Kind::Usual, "gzip");
}
