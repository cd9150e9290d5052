//! Records that are written to a topic are read back as they were.

use std::sync::Arc;

use tamis_config::spec::{DeadTopicSpec, Secret};
use tamis_core::batch::BatchBuilder;
use tamis_core::headers;
use tamis_core::id::Partition;
use tamis_core::sink::{Records, Sink as _, SinkError, Verdict};

use super::cluster::{Cluster, TOPIC, start};
use super::store::{Header, Kept, Store};
use crate::kafka::dead_topic::DeadTopic;

fn spec(cluster: &Cluster, properties: &[(&str, &str)]) -> DeadTopicSpec {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new(*value));
    DeadTopicSpec {
        brokers: vec![cluster.mock.bootstrap_servers()],
        topic: TOPIC.to_owned(),
        properties: properties.iter().map(own).collect(),
    }
}

fn records(values: &[Option<&[u8]>], key: Option<&[u8]>, head: &[Header]) -> Records {
    let partition = Partition {
        source: "s".into(),
        topic: "t".into(),
        number: 0,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 0, 0);
    let mut flat = Vec::new();
    head.iter()
        .for_each(|(name, value)| headers::push(&mut flat, name, value.as_deref()));
    for (offset, value) in (0..).zip(values) {
        batch.push(offset, 1_000_000, key, *value, &flat);
    }
    let mut records = Records::default();
    let count = u32::try_from(values.len()).unwrap();
    records.push(&Arc::new(batch.finish(values.len() as u64)), 0..count);
    records
}

#[tokio::test]
async fn letters_keep_key_value_time_and_headers() {
    let cluster = Cluster::new(1);
    let head: Vec<Header> = vec![
        ("tamis-id".to_owned(), Some(b"s/t/0/0/0".to_vec())),
        ("tamis-id".to_owned(), None),
        ("名".to_owned(), Some(Vec::new())),
    ];
    let values: [Option<&[u8]>; 3] = [Some(b"value"), None, Some(b"")];
    let topic = DeadTopic::connect(&spec(&cluster, &[])).unwrap();
    let verdicts = topic
        .write(&records(&values, Some(b"key"), &head))
        .await
        .unwrap();
    assert_eq!(verdicts, vec![Verdict::Written; 3]);
    let store = Arc::new(Store::with_room(usize::MAX));
    let running = start(&cluster.spec(), &store);
    store.has(3).await;
    running.stop().await;
    let expected = values.iter().zip(0..).map(|(value, offset)| Kept {
        partition: 0,
        offset,
        key: Some(b"key".to_vec()),
        value: value.map(<[u8]>::to_vec),
        timestamp_ms: Some(1_000_000),
        headers: head.clone(),
        times: 1,
    });
    assert_eq!(store.kept(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_is_too_large_spoils_only_itself() {
    let cluster = Cluster::new(1);
    let large = vec![b'x'; 5000];
    let topic = DeadTopic::connect(&spec(&cluster, &[("message.max.bytes", "2000")])).unwrap();
    let values: [Option<&[u8]>; 3] = [Some(b"a"), Some(&large), Some(b"c")];
    let verdicts = topic.write(&records(&values, None, &[])).await.unwrap();
    assert!(
        matches!(
            &verdicts[..],
            [Verdict::Written, Verdict::Rejected(_), Verdict::Written]
        ),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn nothing_to_write_asks_nothing() {
    let cluster = Cluster::new(1);
    cluster.mock.broker_down(1).unwrap();
    let topic = DeadTopic::connect(&spec(&cluster, &[])).unwrap();
    assert_eq!(topic.write(&Records::default()).await.unwrap(), []);
}

#[tokio::test]
async fn a_broker_that_is_away_is_unavailable_and_then_takes_the_same_records() {
    let cluster = Cluster::new(1);
    cluster.mock.broker_down(1).unwrap();
    let brief = [
        ("message.timeout.ms", "1000"),
        ("topic.metadata.propagation.max.ms", "5000"),
    ];
    let topic = DeadTopic::connect(&spec(&cluster, &brief)).unwrap();
    let records = records(&[Some(b"a"), Some(b"b")], None, &[]);
    let error = topic.write(&records).await.unwrap_err();
    assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
    cluster.mock.broker_up(1).unwrap();
    let mut verdicts = topic.write(&records).await;
    for _ in 0..10 {
        if verdicts.is_ok() {
            break;
        }
        verdicts = topic.write(&records).await;
    }
    assert_eq!(verdicts.unwrap(), vec![Verdict::Written; 2]);
}

#[tokio::test]
async fn a_topic_without_the_right_to_it_is_misconfigured() {
    let cluster = Cluster::new(1);
    let refused = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.mock.topic_error(TOPIC, refused).unwrap();
    let topic = DeadTopic::connect(&spec(&cluster, &[])).unwrap();
    let error = topic
        .write(&records(&[Some(b"a")], None, &[]))
        .await
        .unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured(_)), "{error:?}");
}
