//! A small proof of once, and the failpoints that it is made with; `make prove` makes large ones.

use std::fs::File;

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use tamis_tests::kafka::{Committed, Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::prove::{self, Options, Sink};
use tamis_tests::swaps;
use tamis_tests::tamis::{Ended, output, run};
use tamis_tests::wait::LONG;

#[test]
fn each_record_is_seen_once_whoever_dies() {
    let options = Options {
        records: 40_000,
        kills: 7,
        rebalances: 1,
        broker_kills: 1,
        freezes: 0,
        ..Options::new(fastrand::u32(..).into())
    };
    let report = prove::run(options, |line| eprintln!("{line}"));
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!(report.kills(), 7, "{report}");
    assert!(report.static_kills() > 0, "{report}");
}

#[test]
fn each_record_is_committed_once_whoever_dies() {
    let options = Options {
        records: 20_000,
        kills: 6,
        rebalances: 1,
        broker_kills: 1,
        freezes: 0,
        sink: Sink::Kafka,
        ..Options::new(fastrand::u32(..).into())
    };
    let report = prove::run(options, |line| eprintln!("{line}"));
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!(report.kills(), 6, "{report}");
}

#[test]
fn each_record_is_in_each_store_once_whoever_dies() {
    let options = Options {
        records: 10_000,
        kills: 3,
        rebalances: 0,
        broker_kills: 0,
        server_kills: 1,
        freezes: 0,
        is_static: false,
        sink: Sink::All,
        ..Options::new(fastrand::u32(..).into())
    };
    let report = prove::run(options, |line| eprintln!("{line}"));
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!((report.kills(), report.server_kills()), (3, 3), "{report}");
}

#[test]
fn each_record_is_made_by_one_version_whatever_is_swapped_and_killed() {
    let options = swaps::Options {
        swaps: 14,
        kills: 2,
        // There are other tests beside it.
        rate: 20_000,
        ..swaps::Options::new(fastrand::u32(..).into())
    };
    let report = swaps::run(options, |line| eprintln!("{line}"));
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!(report.kills(), 2, "{report}");
    // The first version and, in each partition, some of those behind it.
    assert!(report.stretches() > 8, "{report}");
}

/// What becomes of a process that copies one line with this failpoint.
fn with_failpoint(failpoint: &str) -> Ended {
    let place = Place::default();
    let job = place.copy("{ stdin: {} }", Pipeline::default());
    let input = File::open(place.write("in", "one\n")).unwrap();
    let mut command = run(&job);
    command
        .args(["--log", "error"])
        .env("TAMIS_FAILPOINT", failpoint);
    output(command.stdin(input))
}

#[test]
fn a_failpoint_ends_the_process_whatever_is_logged() {
    let ended = with_failpoint("taken:1");
    assert_eq!(ended.code, None, "{ended:?}");
    assert_eq!(ended.stderr, "failpoint taken:1 unsettled=1\n");
    let ended = with_failpoint("taken:2");
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_failpoint_that_is_none_is_refused_with_its_form() {
    let ended = with_failpoint("taken");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("must be STEP:N"), "{ended:?}");
}

#[test]
fn a_reader_of_what_is_committed_sees_nothing_that_was_aborted() {
    let kafka = Kafka::shared();
    let topic = kafka.new_topic("transactions", 1, &[]);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.address)
        .set("transactional.id", unique("transactions"))
        .create()
        .unwrap();
    producer.init_transactions(LONG).unwrap();
    for (id, is_committed) in [("a", true), ("b", false), ("c", true), ("d", false)] {
        producer.begin_transaction().unwrap();
        let header = Header {
            key: "tamis-id",
            value: Some(id),
        };
        let headers = OwnedHeaders::new().insert(header);
        let record = BaseRecord::<(), _>::to(&topic).payload(id);
        producer.send(record.headers(headers)).unwrap();
        producer.flush(LONG).unwrap();
        let ended = match is_committed {
            true => producer.commit_transaction(LONG),
            false => producer.abort_transaction(LONG),
        };
        ended.unwrap();
    }
    let seen = ["a", "c"].map(|id| Committed {
        partition: 0,
        id: id.to_owned(),
        value: id.as_bytes().to_vec(),
    });
    assert_eq!(kafka.read_committed(&topic), seen);
}
