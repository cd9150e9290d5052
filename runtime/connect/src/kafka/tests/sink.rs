//! Records that are written to topics: all of them, as they were, in order, whatever the cluster does meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as Error};
use tamis_config::spec::{KafkaKey, KafkaSinkSpec};
use tamis_core::sink::{Records, Sink as _, SinkError, Verdict};
use tokio::time::sleep;

use super::cluster::{Cluster, TOPIC};
use super::output::{Output, read, records, spec};
use super::store::Header;
use crate::kafka::sink::KafkaSink;

/// Writes `records` as the writer of a pipeline does: what is to be tried again, again, and in order.
async fn write_all(sink: &KafkaSink, records: &Records) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Written; records.len()];
    let mut open: Vec<_> = (0..records.len()).collect();
    while !open.is_empty() {
        match sink.write(&records.select(open.iter().copied())).await {
            Ok(answers) => {
                for (index, verdict) in open.iter().zip(answers) {
                    verdicts[*index] = verdict;
                }
                open.retain(|index| matches!(verdicts[*index], Verdict::Retry(_)));
            }
            Err(SinkError::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        if !open.is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    }
    verdicts
}

fn connect(spec: &KafkaSinkSpec) -> KafkaSink {
    KafkaSink::connect(spec).unwrap()
}

fn values(name: &str, count: usize) -> Vec<Vec<u8>> {
    let value = |index| format!("{name} {index}").into_bytes();
    (0..count).map(value).collect()
}

/// Values by partition, each at the place where it came first.
fn first_values(outputs: &[Output]) -> BTreeMap<i32, Vec<Vec<u8>>> {
    let (mut first, mut seen) = (BTreeMap::<i32, Vec<_>>::new(), BTreeMap::new());
    for output in outputs {
        let id = output.id();
        if seen.insert(id.clone(), output.partition).is_none() {
            let value = output.value.clone().unwrap();
            first.entry(output.partition).or_default().push(value);
        } else {
            assert_eq!(
                seen[&id], output.partition,
                "{id} is in one partition however often"
            );
        }
    }
    first
}

#[tokio::test]
async fn every_record_is_there_with_its_id_key_time_and_headers() {
    let cluster = Cluster::new(1);
    let mut spec = spec(&cluster, TOPIC);
    let header = |name: &str, value: &[u8]| (name.to_owned(), Some(value.to_vec()));
    let template = |text| tamis_config::Template::parse(text).unwrap();
    spec.headers = BTreeMap::from([
        ("from".to_owned(), template("{topic}")),
        ("type".to_owned(), template("{field:/Type}")),
    ]);
    let own: Vec<Header> = vec![
        header("a", b"1"),
        header("tamis-id", b"of/the/one/before/0"),
        ("a".to_owned(), None),
    ];
    let inputs: [Option<&[u8]>; 3] = [Some(br#"{"Type":"error"}"#), None, Some(b"")];
    let verdicts = connect(&spec)
        .write(&records(3, &inputs, Some(b"key"), &own))
        .await
        .unwrap();
    assert_eq!(verdicts, vec![Verdict::Written; 3]);
    let outputs = read(&cluster, TOPIC, 3);
    for (offset, (output, input)) in outputs.iter().zip(inputs).enumerate() {
        let mut headers: Vec<Header> =
            vec![own[0].clone(), own[2].clone(), header("from", b"input")];
        if offset == 0 {
            headers.push(header("type", b"error"));
        }
        headers.push(header(
            "tamis-id",
            format!("s/input/3/{offset}/0").as_bytes(),
        ));
        let expected = Output {
            partition: 0,
            key: Some(b"key".to_vec()),
            value: input.map(<[u8]>::to_vec),
            timestamp_ms: Some(1_000_000),
            headers,
        };
        assert_eq!(*output, expected);
    }
}

#[tokio::test]
async fn records_without_a_key_stay_in_order_and_those_with_one_stay_together() {
    let cluster = Cluster::new(3);
    let sink = connect(&spec(&cluster, TOPIC));
    for number in [1, 5] {
        let values = values(&number.to_string(), 50);
        let values: Vec<_> = values.iter().map(|value| Some(&value[..])).collect();
        write_all(&sink, &records(number, &values, None, &[])).await;
        write_all(&sink, &records(number + 10, &values, Some(b"k"), &[])).await;
    }
    let outputs = read(&cluster, TOPIC, 200);
    let (keyed, bare): (Vec<_>, Vec<_>) =
        outputs.into_iter().partition(|output| output.key.is_some());
    let expected = BTreeMap::from([(1, values("1", 50)), (2, values("5", 50))]);
    assert_eq!(first_values(&bare), expected);
    // Where Kafka's own client puts this key.
    assert!(
        keyed.iter().all(|output| output.partition == 2),
        "{:?}",
        keyed[0]
    );
}

/// Records of two partitions while the cluster has `trouble`, with this many bytes in a request.
async fn check_trouble(trouble: impl AsyncFn(&Cluster)) {
    let cluster = Cluster::new(2);
    let mut spec = spec(&cluster, TOPIC);
    // Many requests, so that trouble finds some of them under way.
    spec.properties
        .insert("batch.size".to_owned(), tamis_config::Secret::new("500"));
    let sink = Arc::new(connect(&spec));
    let expected: BTreeMap<_, _> = (0..2)
        .map(|number| (number, values(&number.to_string(), 2000)))
        .collect();
    let writing = expected.clone().into_iter().map(|(number, values)| {
        let sink = Arc::clone(&sink);
        async move {
            for (index, values) in values.chunks(100).enumerate() {
                let values: Vec<_> = values.iter().map(|value| Some(&value[..])).collect();
                let records = super::output::records_from(number, index * 100, &values);
                let verdicts = write_all(&sink, &records).await;
                assert_eq!(verdicts, vec![Verdict::Written; values.len()]);
                sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let mut writing: Vec<_> = writing.collect();
    let (second, first) = (writing.pop().unwrap(), writing.pop().unwrap());
    tokio::join!(first, second, async {
        sleep(Duration::from_millis(100)).await;
        trouble(&cluster).await;
    });
    assert_eq!(first_values(&read(&cluster, TOPIC, 4000)), expected);
}

#[tokio::test]
async fn a_broker_that_goes_away_and_comes_back_costs_nothing_and_no_order() {
    check_trouble(async |cluster| {
        for _ in 0..2 {
            cluster.mock.broker_down(1).unwrap();
            sleep(Duration::from_secs(2)).await;
            cluster.mock.broker_up(1).unwrap();
            sleep(Duration::from_millis(300)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn requests_that_fail_cost_nothing_and_no_order() {
    check_trouble(async |cluster| {
        let errors = [
            Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            Error::RD_KAFKA_RESP_ERR_NO_ERROR,
            Error::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            // Nothing is known about this one: the producer ends.
            Error::RD_KAFKA_RESP_ERR_UNKNOWN,
            Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            Error::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            Error::RD_KAFKA_RESP_ERR_NO_ERROR,
            Error::RD_KAFKA_RESP_ERR_UNKNOWN,
        ];
        cluster.mock.request_errors(RDKafkaApiKey::Produce, &errors);
    })
    .await;
}

#[tokio::test]
async fn a_record_that_a_broker_finds_too_large_spoils_only_itself() {
    let cluster = Cluster::new(1);
    let mut spec = spec(&cluster, TOPIC);
    spec.properties
        .insert("batch.size".to_owned(), tamis_config::Secret::new("2000"));
    let large = [Error::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE];
    cluster.mock.request_errors(RDKafkaApiKey::Produce, &large);
    let (large, small) = (vec![b'x'; 5000], values("small", 100));
    let mut inputs = vec![Some(&large[..])];
    inputs.extend(small.iter().map(|value| Some(&value[..])));
    let verdicts = write_all(&connect(&spec), &records(0, &inputs, None, &[])).await;
    assert!(
        matches!(verdicts[0], Verdict::Rejected(_)),
        "{:?}",
        verdicts[0]
    );
    assert_eq!(verdicts[1..], vec![Verdict::Written; 100]);
    let first = first_values(&read(&cluster, TOPIC, 100));
    assert_eq!(first, BTreeMap::from([(0, small)]));
}

#[tokio::test]
async fn records_that_are_too_large_together_are_sent_in_smaller_requests() {
    let cluster = Cluster::new(1);
    let large = [Error::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; 3];
    cluster.mock.request_errors(RDKafkaApiKey::Produce, &large);
    let values = values("small", 100);
    let inputs: Vec<_> = values.iter().map(|value| Some(&value[..])).collect();
    let sink = connect(&spec(&cluster, TOPIC));
    let verdicts = write_all(&sink, &records(0, &inputs, None, &[])).await;
    assert_eq!(verdicts, vec![Verdict::Written; 100]);
    let first = first_values(&read(&cluster, TOPIC, 100));
    assert_eq!(first, BTreeMap::from([(0, values)]));
}

#[tokio::test]
async fn a_record_that_is_too_large_for_the_client_spoils_only_itself() {
    let cluster = Cluster::new(1);
    let mut spec = spec(&cluster, TOPIC);
    spec.properties.insert(
        "message.max.bytes".to_owned(),
        tamis_config::Secret::new("2000"),
    );
    let large = vec![b'x'; 5000];
    let inputs: [Option<&[u8]>; 3] = [Some(b"a"), Some(&large), Some(b"c")];
    let verdicts = connect(&spec)
        .write(&records(0, &inputs, None, &[]))
        .await
        .unwrap();
    assert!(
        matches!(
            &verdicts[..],
            [Verdict::Written, Verdict::Rejected(_), Verdict::Written]
        ),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn a_topic_that_a_record_names_wrongly_is_its_own_fault() {
    let cluster = Cluster::new(1);
    let unknown = Error::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.mock.topic_error("missing", unknown).unwrap();
    let mut spec = spec(&cluster, "{field:/to}");
    (spec.topics_max, spec.read) = (2, vec!["^in".to_owned()]);
    let to = |topic: &str| format!(r#"{{"to":"{topic}"}}"#).into_bytes();
    let inputs = [to("log"), to("missing"), to("a b"), b"{}".to_vec()];
    let inputs: Vec<_> = inputs.iter().map(|value| Some(&value[..])).collect();
    let sink = connect(&spec);
    let verdicts = sink.write(&records(0, &inputs, None, &[])).await.unwrap();
    let refused = |reason: &str| Verdict::Rejected(reason.to_owned());
    let expected = [
        Verdict::Written,
        refused("topic missing does not exist"),
        refused("it names the topic \"a b\", which Kafka does not allow"),
        refused("it names no topic: it has no {field:/to}"),
    ];
    assert_eq!(verdicts, expected);
    let third = to("third");
    let verdicts = sink.write(&records(0, &[Some(&third)], None, &[])).await;
    let expected = "topic third is one more than `topics_max` allows";
    assert_eq!(verdicts.unwrap(), [refused(expected)]);

    let input = to("input");
    let verdicts = connect(&spec)
        .write(&records(0, &[Some(&input)], None, &[]))
        .await;
    let expected = "topic input is one that this pipeline reads";
    assert_eq!(verdicts.unwrap(), [refused(expected)]);
}

async fn misconfigured(spec: &KafkaSinkSpec) -> String {
    let records = records(0, &[Some(b"a")], None, &[]);
    match connect(spec).write(&records).await.unwrap_err() {
        SinkError::Misconfigured(reason) => reason.to_string(),
        SinkError::Unavailable(reason) | SinkError::Gone(reason) => panic!("{reason}"),
    }
}

#[tokio::test]
async fn a_topic_that_the_configuration_names_must_be_there() {
    let cluster = Cluster::new(1);
    let unknown = Error::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    cluster.mock.topic_error("input.clean", unknown).unwrap();
    let reason = misconfigured(&spec(&cluster, "{topic}.clean")).await;
    assert_eq!(
        reason,
        "topic input.clean does not exist: make it, or correct its name"
    );
}

#[tokio::test]
async fn a_topic_without_the_right_to_it_is_misconfigured() {
    let cluster = Cluster::new(1);
    let refused = Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.mock.topic_error(TOPIC, refused).unwrap();
    let reason = misconfigured(&spec(&cluster, TOPIC)).await;
    assert!(reason.contains("right to use the topic"), "{reason}");

    // The right to read what there is, but not to write.
    let cluster = Cluster::new(1);
    let errors = [refused];
    cluster.mock.request_errors(RDKafkaApiKey::Produce, &errors);
    let reason = misconfigured(&spec(&cluster, TOPIC)).await;
    assert!(reason.contains("right to use the topic"), "{reason}");

    // The right to write, but not once only.
    let cluster = Cluster::new(1);
    let errors = [Error::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED];
    let id = RDKafkaApiKey::InitProducerId;
    cluster.mock.request_errors(id, &errors);
    let reason = misconfigured(&spec(&cluster, TOPIC)).await;
    assert!(reason.contains("right to use the cluster"), "{reason}");
}

#[tokio::test]
async fn nothing_to_write_asks_nothing() {
    let cluster = Cluster::new(1);
    cluster.mock.broker_down(1).unwrap();
    let sink = connect(&spec(&cluster, TOPIC));
    assert_eq!(sink.write(&Records::default()).await.unwrap(), []);
}

#[tokio::test]
async fn a_key_from_a_template_is_none_where_the_record_has_no_such_field() {
    let cluster = Cluster::new(1);
    let mut spec = spec(&cluster, TOPIC);
    let template = tamis_config::Template::parse("{field:/user}").unwrap();
    spec.key = KafkaKey::Template(template);
    let inputs: [Option<&[u8]>; 2] = [Some(br#"{"user":7}"#), Some(b"{}")];
    let records = records(0, &inputs, Some(b"own"), &[]);
    connect(&spec).write(&records).await.unwrap();
    let keys: Vec<_> = read(&cluster, TOPIC, 2)
        .into_iter()
        .map(|output| output.key)
        .collect();
    assert_eq!(keys, [Some(b"7".to_vec()), None]);
}
