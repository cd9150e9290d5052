//! What a proof is made in: a broker of its own, a topic, stores, a pipeline.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::Say;
use super::options::{Options, Sink};
use super::stores::Store;
use crate::broker::Broker;
use crate::kafka::Kafka;
use crate::place::{Pipeline, Place};

pub(super) const PARTITIONS: usize = 4;
pub(super) const TOPIC: &str = "logs";
/// Where a pipeline in transactions writes to.
pub(super) const OUTPUT: &str = "kept";
/// The key whose value names the folder of a record, so that a run has several files.
pub(super) const FOLDER_KEY: &str = "Type";
pub(super) const GROUP: &str = "prove";

/// Everything but members.
pub(super) struct Stage<'a> {
    pub(super) options: Options,
    pub(super) place: &'a Place,
    pub(super) broker: Broker,
    pub(super) kafka: Kafka,
    /// Their servers are up.
    pub(super) stores: Vec<Box<dyn Store>>,
    pub(super) input: Vec<u8>,
    pub(super) pipeline: PathBuf,
    started: Instant,
    say: Say,
}

impl<'a> Stage<'a> {
    pub(super) fn set_up(
        options: Options,
        place: &'a Place,
        stores: Vec<Box<dyn Store>>,
        input: Vec<u8>,
        say: Say,
    ) -> Self {
        let started = Instant::now();
        let broker = Broker::default();
        broker.start();
        let kafka = broker.kafka();
        let partitions = i32::try_from(PARTITIONS).expect("they are few");
        kafka.create_topic(TOPIC, partitions, &[]);
        let topic = format!("{{ kafka: {{ topic: {OUTPUT}, transactional: true }} }}");
        let is_topic = options.sink == Sink::Kafka;
        if is_topic {
            kafka.create_topic(OUTPUT, partitions, &[]);
        }
        let of_stores: Vec<_> = stores
            .iter()
            .map(|store| format!("{}: {{ {} }}", store.name(), store.sink()))
            .collect();
        let of_stores = format!("{{ {} }}", of_stores.join(", "));
        let path = format!("{{topic}}/{{field:/{FOLDER_KEY}}}");
        let job = Pipeline {
            name: "prove",
            path: &path,
            compression: "none",
            // Small, so that there are many.
            run: "{ records_max: 2000, age_ms_max: 500 }",
            sink: is_topic.then_some(&topic),
            sinks: (!stores.is_empty()).then_some(&of_stores),
            ..Pipeline::default()
        };
        let pipeline = place.main_job(&source(&kafka), job);
        fs::create_dir(place.path("logs")).expect("a folder can be made");
        Self {
            options,
            place,
            broker,
            kafka,
            stores,
            input,
            pipeline,
            started,
            say,
        }
    }

    /// Says what happens, and when.
    pub(super) fn say(&self, what: &str) {
        (self.say)(&format!("{:>6.1} s  {what}", self.elapsed().as_secs_f64()));
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // Beside the members' logs, should the folder be kept; without them there is less to look into.
        let logs = self.place.path("logs");
        let _copied = fs::copy(self.broker.log(), logs.join("broker.log"));
        for store in &self.stores {
            let _copied = fs::copy(store.log(), logs.join(format!("{}.log", store.name())));
        }
    }
}

/// A source whose members are missed as soon as the broker allows, and hear of each other quickly.
fn source(kafka: &Kafka) -> String {
    let address = &kafka.address;
    format!(
        "{{ kafka: {{ brokers: [\"{address}\"], topics: [{TOPIC}], group: {GROUP}, start_at: earliest, \
         properties: {{ session.timeout.ms: 6000, heartbeat.interval.ms: 500 }} }} }}"
    )
}
