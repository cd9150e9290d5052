//! A cluster, what is produced into it, and pipelines that read from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::OwnedHeaders;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_config::spec::{KafkaSourceSpec, Secret, StartAt};
use tamis_core::{
    Backoff, DeadLetters, Destination, Executor, Limits, OnOutage, Outlet, Pipeline, PipelineError,
    Routes, Stop, Summary, WriterLimits,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::store::Store;
use crate::kafka::source::{KafkaSource, SourceSettings};
use crate::kafka::transaction::Transactions;
use crate::source::BatchLimits;

pub(super) const TOPIC: &str = "log";
pub(super) const WAIT: Duration = Duration::from_secs(20);

/// A cluster of one broker with the topic [`TOPIC`].
pub(super) struct Cluster {
    pub(super) mock: MockCluster<'static, DefaultProducerContext>,
    partitions: i32,
}

/// A record to produce.
#[derive(Default, Clone)]
pub(super) struct Input {
    pub(super) partition: i32,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) headers: Option<OwnedHeaders>,
}

impl Cluster {
    pub(super) fn new(partitions: i32) -> Self {
        Self::of(1, partitions)
    }

    /// A cluster of this many brokers.
    pub(super) fn of(brokers: i32, partitions: i32) -> Self {
        let mock = MockCluster::new(brokers).unwrap();
        mock.create_topic(TOPIC, partitions, brokers).unwrap();
        Self { mock, partitions }
    }

    pub(super) fn produce(&self, properties: &[(&str, &str)], inputs: &[Input]) {
        let mut config = self.client();
        config
            .set("message.max.bytes", "10000000")
            .set("linger.ms", "20");
        properties.iter().for_each(|(name, value)| {
            config.set(*name, *value);
        });
        let producer: BaseProducer = config.create().unwrap();
        for Input {
            partition,
            key,
            value,
            timestamp_ms,
            headers,
        } in inputs.iter().cloned()
        {
            let mut record = BaseRecord::<[u8], [u8]>::to(TOPIC).partition(partition);
            record.key = key.as_deref();
            record.payload = value.as_deref();
            record.timestamp = timestamp_ms;
            record.headers = headers;
            assert!(producer.send(record).is_ok());
        }
        producer.flush(WAIT).unwrap();
    }

    /// Produces `count` records to each partition, with values that tell them apart.
    pub(super) fn fill(&self, name: &str, count: usize) {
        let input = |partition, index| Input {
            partition,
            value: Some(format!("{name} {partition} {index}").into_bytes()),
            ..Input::default()
        };
        let partitions = 0..self.partitions;
        let inputs = partitions.flat_map(|partition| (0..count).map(move |i| input(partition, i)));
        self.produce(&[], &inputs.collect::<Vec<_>>());
    }

    pub(super) fn spec(&self) -> KafkaSourceSpec {
        // The mock takes 3 s to put a new group together, and forgets members that are silent for longer than they say.
        let properties = [
            ("session.timeout.ms", "4000"),
            ("heartbeat.interval.ms", "300"),
            ("max.poll.interval.ms", "4000"),
        ];
        KafkaSourceSpec {
            brokers: vec![self.mock.bootstrap_servers()],
            topics: vec![TOPIC.to_owned()],
            group: "group".to_owned(),
            start_at: StartAt::Earliest,
            name: Some("cluster".to_owned()),
            prefetch_bytes_max: 4 << 20,
            properties: properties
                .map(|(name, value)| (name.to_owned(), Secret::new(value)))
                .into(),
        }
    }

    /// What the group has committed beside its offsets, by partition; nothing where the cluster does not say.
    pub(super) fn metadata(&self) -> Vec<String> {
        let list = self.list(Offset::Invalid);
        let committed = self.member().committed_offsets(list, WAIT);
        let elements = committed.as_ref().map(TopicPartitionList::elements);
        let elements = elements.unwrap_or_default();
        elements.iter().map(|it| it.metadata().to_owned()).collect()
    }

    /// Commits `offset` with `metadata` for each partition as if the group had.
    pub(super) fn commit_with(&self, offset: i64, metadata: &str) {
        let list = self.list(Offset::Offset(offset));
        for mut element in list.elements() {
            element.set_metadata(metadata);
        }
        self.member().commit(&list, CommitMode::Sync).unwrap();
    }

    /// What the group has committed, by partition.
    pub(super) fn committed(&self) -> BTreeMap<i32, i64> {
        let committed = self
            .member()
            .committed_offsets(self.list(Offset::Invalid), WAIT)
            .unwrap();
        let offset = |offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let elements = committed.elements();
        elements
            .iter()
            .filter_map(|e| Some((e.partition(), offset(e.offset())?)))
            .collect()
    }

    /// Commits `offset` for each partition as if the group had.
    pub(super) fn commit(&self, offset: i64) {
        self.member()
            .commit(&self.list(Offset::Offset(offset)), CommitMode::Sync)
            .unwrap();
    }

    /// Commits `offset` for the first partition alone: the others are new to the group.
    pub(super) fn commit_first(&self, offset: i64) {
        let first = self.list(Offset::Offset(offset));
        first.elements().iter_mut().skip(1).for_each(|other| {
            other.set_offset(Offset::Invalid).unwrap();
        });
        self.member().commit(&first, CommitMode::Sync).unwrap();
    }

    fn member(&self) -> BaseConsumer {
        self.client().set("group.id", "group").create().unwrap()
    }

    fn list(&self, offset: Offset) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(TOPIC, 0, self.partitions - 1);
        list.set_all_offsets(offset).unwrap();
        list
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.mock.bootstrap_servers());
        config
    }
}

/// A pipeline that runs.
pub(super) struct Running {
    pub(super) stop: Stop,
    task: JoinHandle<Result<Summary, PipelineError>>,
}

impl Running {
    /// Waits for its end.
    pub(super) async fn end(self) -> Result<Summary, PipelineError> {
        let ended = tokio::time::timeout(WAIT, self.task).await;
        ended.expect("the pipeline ends").unwrap()
    }

    /// Stops it, and waits for its end.
    pub(super) async fn stop(self) -> Summary {
        self.stop.stop();
        self.end().await.unwrap()
    }
}

/// Starts a pipeline from `spec` to `store`.
pub(super) fn start(spec: &KafkaSourceSpec, store: &Arc<Store>) -> Running {
    let limits = WriterLimits {
        records_max: 100,
        bytes_max: 1 << 20,
        linger: Duration::from_millis(5),
        requests_max: 2,
    };
    start_into(spec, Destination::Keyed(store.clone(), limits), store)
}

/// Starts a pipeline from `spec` to `destination` on two lanes.
pub(super) fn start_into(
    spec: &KafkaSourceSpec,
    destination: Destination,
    dead: &Arc<Store>,
) -> Running {
    start_together(spec, destination, dead, None)
}

/// Like [`start_into`], from a source that commits `transactions`.
pub(super) fn start_together(
    spec: &KafkaSourceSpec,
    destination: Destination,
    dead: &Arc<Store>,
    transactions: Option<Arc<Transactions>>,
) -> Running {
    let settings = SourceSettings {
        drain_timeout: Duration::from_secs(1),
        commit_interval: Duration::from_millis(50),
        batch: BatchLimits {
            records_max: 100,
            bytes_max: 1 << 20,
        },
    };
    let outlet = Outlet {
        name: "store".to_owned(),
        routes: Routes::All,
        condition: None,
        destination,
        on_outage: OnOutage::Wait,
    };
    let pipeline = Pipeline::new(
        KafkaSource::connect(spec, settings, transactions).unwrap(),
        vec![Vec::new(), Vec::new()],
        vec![outlet],
        DeadLetters {
            first: dead.clone(),
            second: None,
        },
        Limits {
            in_flight_bytes_max: 1 << 16,
            recent_bytes_max: 0,
            shutdown_timeout: Duration::from_secs(10),
            backoff: Backoff {
                initial: Duration::from_millis(10),
                max: Duration::from_secs(1),
            },
            seed: 1,
        },
    );
    let stop = pipeline.stop();
    let executor = Executor::Threads(Handle::current());
    let task = tokio::spawn(async move { pipeline.run(&executor).await });
    Running { stop, task }
}
