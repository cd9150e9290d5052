//! What a sink is given, and what it made of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_config::Template;
use tamis_config::spec::{KafkaDelivery, KafkaKey, KafkaSinkSpec, WriterLimits};
use tamis_core::batch::BatchBuilder;
use tamis_core::headers;
use tamis_core::id::Partition;
use tamis_core::sink::Records;

use super::cluster::{Cluster, WAIT};
use super::store::Header;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) partition: i32,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) headers: Vec<Header>,
}

impl Output {
    /// The id of the record that it was.
    pub(super) fn id(&self) -> String {
        let mut ids = self.headers.iter().filter(|(name, _)| name == "tamis-id");
        let id = ids.next().expect("every record has its id");
        assert_eq!(ids.next(), None, "a record has one id");
        String::from_utf8(id.1.clone().unwrap()).unwrap()
    }
}

/// A sink that writes to `topic`, a template.
pub(super) fn spec(cluster: &Cluster, topic: &str) -> KafkaSinkSpec {
    KafkaSinkSpec {
        brokers: vec![cluster.mock.bootstrap_servers()],
        topic: Template::parse(topic).unwrap(),
        key: KafkaKey::Record,
        headers: BTreeMap::new(),
        topics_max: 10,
        read: Vec::new(),
        delivery: KafkaDelivery::AtLeastOnce(WriterLimits {
            records_max: 1000,
            bytes_max: 1 << 20,
            linger_ms: 5,
            requests_max: 1,
        }),
        properties: BTreeMap::new(),
    }
}

/// Records of the partition with this `number`, from offset 0 on.
pub(super) fn records(
    number: i32,
    values: &[Option<&[u8]>],
    key: Option<&[u8]>,
    head: &[Header],
) -> Records {
    build(number, 0, values, key, head)
}

/// Records without a key of the partition with this `number`, from offset `start` on.
pub(super) fn records_from(number: i32, start: usize, values: &[Option<&[u8]>]) -> Records {
    build(number, start, values, None, &[])
}

fn build(
    number: i32,
    start: usize,
    values: &[Option<&[u8]>],
    key: Option<&[u8]>,
    head: &[Header],
) -> Records {
    let partition = Partition {
        source: "s".into(),
        topic: "input".into(),
        number,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 0, 0);
    let mut flat = Vec::new();
    head.iter()
        .for_each(|(name, value)| headers::push(&mut flat, name, value.as_deref()));
    let start = start as u64;
    for (offset, value) in (start..).zip(values) {
        batch.push(offset, 1_000_000, key, *value, &flat);
    }
    let mut records = Records::default();
    let count = u32::try_from(values.len()).unwrap();
    let batch = batch.finish(start + u64::from(count));
    records.push(&Arc::new(batch), 0..count);
    records
}

/// The messages of `topic`, at least `count`, in order of each partition.
pub(super) fn read(cluster: &Cluster, topic: &str, count: usize) -> Vec<Output> {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config
        .set("bootstrap.servers", cluster.mock.bootstrap_servers())
        .set("group.id", "reader")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), WAIT).unwrap();
    let (mut list, mut open) = (TopicPartitionList::new(), 0);
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition.id(), WAIT)
            .unwrap();
        open += usize::try_from(high - low).unwrap();
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)
            .unwrap();
    }
    assert!(open >= count, "{open} of {count} messages are there");
    consumer.assign(&list).unwrap();
    let next = || {
        let message = consumer.poll(WAIT).expect("messages come").unwrap();
        let headers = message.headers().into_iter().flat_map(|headers| {
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            headers
                .iter()
                .map(move |it| (it.key.to_owned(), owned(it.value)))
        });
        Output {
            partition: message.partition(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            timestamp_ms: message.timestamp().to_millis(),
            headers: headers.collect(),
        }
    };
    (0..open).map(|_| next()).collect()
}
