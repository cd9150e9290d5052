//! A server at its limits: nothing is lost, nothing is refused that could be taken, and what is too large is found alone.

use serde_json::json;
use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::elasticsearch::Node;
use tamis_tests::laws::{self, Subject, causes};
use tamis_tests::wait::{LONG, eventually};

use super::sink;

#[test]
fn documents_that_found_a_queue_full_are_sent_again_alone() {
    let node = Node::with_settings("thread_pool.write.size=1 thread_pool.write.queue_size=1");
    node.start();
    let elasticsearch = node.elasticsearch();
    // Each shard takes its part of a request by itself.
    let shards = json!({ "settings": { "number_of_shards": 16, "number_of_replicas": 0 } });
    elasticsearch.put("logs", &shards);
    let subject = Subject::connect(&sink(&elasticsearch.address, "logs", "")).unwrap();
    let (mut next, mut refused_among_written) = (0, false);
    eventually(
        LONG,
        "some of a request are refused by a full queue",
        || {
            let records = laws::records(next..next + 500);
            let verdicts = subject.write(&records).unwrap_or_default();
            let is_refused = |verdict: &Verdict| matches!(verdict, Verdict::Retry(words) if words.contains("429"));
            let others = |verdict: &Verdict| *verdict == Verdict::Written || is_refused(verdict);
            assert!(verdicts.iter().all(others), "{verdicts:?}");
            refused_among_written =
                verdicts.iter().any(is_refused) && verdicts.contains(&Verdict::Written);
            assert_eq!(subject.settle(&records), vec![Verdict::Written; 500]);
            next += 500;
            refused_among_written
        },
    );
    assert_eq!(elasticsearch.documents("logs").len() as u64, next);
}

#[test]
fn a_request_that_is_too_much_for_now_is_not_taken_apart() {
    let node = Node::with_settings("indexing_pressure.memory.limit=100kb");
    node.start();
    let elasticsearch = node.elasticsearch();
    let subject = Subject::connect(&sink(&elasticsearch.address, "logs", "")).unwrap();
    let long = "x".repeat(1_000);
    let value = |n: u64| format!(r#"{{"n":{n},"long":"{long}"}}"#).into_bytes();
    let many = laws::records_of(0, (0..200).map(value));
    match subject.write(&many) {
        Err(SinkError::Unavailable(error)) => {
            let said = causes(&*error);
            assert!(
                said.contains("status 429: es_rejected_execution_exception"),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
    let few = laws::records_of(0, (0..10).map(value));
    assert_eq!(subject.settle(&few), vec![Verdict::Written; 10]);
    assert_eq!(elasticsearch.documents("logs").len(), 10);
}

#[test]
fn a_request_that_is_too_large_is_halved_until_the_record_is_found_that_is() {
    let node = Node::with_settings("http.max_content_length=100kb");
    node.start();
    let elasticsearch = node.elasticsearch();
    for gzip in [true, false] {
        let index = format!("logs-{gzip}");
        let more = format!(", gzip: {gzip}");
        let subject = Subject::connect(&sink(&elasticsearch.address, &index, &more)).unwrap();
        let (usual, large) = ("x".repeat(2_000), "x".repeat(200_000));
        let value = |n: u64| {
            let text = if n == 77 { &large } else { &usual };
            format!(r#"{{"n":{n},"text":"{text}"}}"#).into_bytes()
        };
        let verdicts = subject.settle(&laws::records_of(0, (0..200).map(value)));
        for (n, verdict) in verdicts.iter().enumerate() {
            match verdict {
                Verdict::Rejected(reason) => {
                    assert!(n == 77 && reason.contains("413"), "{n}: {reason}");
                }
                verdict => assert_eq!((verdict, n == 77), (&Verdict::Written, false), "{n}"),
            }
        }
        assert_eq!(elasticsearch.documents(&index).len(), 199, "gzip: {gzip}");
    }
}

#[test]
fn an_index_of_a_day_that_may_not_be_made_stops() {
    let node = Node::with_settings("action.auto_create_index=false");
    node.start();
    let elasticsearch = node.elasticsearch();
    let write = |index: &str| {
        let subject = Subject::connect(&sink(&elasticsearch.address, index, "")).unwrap();
        subject.write(&laws::records_of(0, [br#"{"to":"there"}"#.to_vec()]))
    };
    match write("logs-{time:%Y.%m.%d}") {
        Err(SinkError::Misconfigured(error)) => {
            let said = causes(&*error);
            assert!(said.contains("index logs-2023.01.18: "), "{said}");
            assert!(said.contains("action.auto_create_index"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    let verdicts = write("logs-{field:/to}").unwrap();
    assert!(
        matches!(&verdicts[..], [Verdict::Rejected(_)]),
        "{verdicts:?}"
    );
}
