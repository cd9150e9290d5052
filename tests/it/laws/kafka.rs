//! Topics keep the laws. A client is told by the brokers where to reach them, so that there is nothing to be cut in between;
//! passwords are tested in `secure`, transactions in `kafka_sink` and by `make prove`.

use rdkafka::message::{Headers as _, Message as _};
use serde_json::Value;
use tamis_tests::broker::Broker;
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::laws::{self, Case, Server, Store};

/// Above what is written together, and below what is bad.
const MESSAGE_BYTES_MAX: usize = 100_000;

/// A topic, and others whose names begin alike.
struct Topics {
    kafka: Kafka,
    name: String,
    broker: Option<Broker>,
}

impl Topics {
    fn on(kafka: Kafka, broker: Option<Broker>) -> Self {
        let name = unique("laws");
        let max = MESSAGE_BYTES_MAX.to_string();
        kafka.create_topic(&format!("{name}-there"), 3, &[("max.message.bytes", &max)]);
        Self {
            kafka,
            name,
            broker,
        }
    }
}

impl Store for Topics {
    fn sink(&self, address: &str, case: Case) -> Option<String> {
        let topic = match case {
            Case::Usual => "there",
            Case::Missing => "missing",
            Case::Named => "{field:/to}",
            Case::Refused => return None,
        };
        let name = &self.name;
        Some(format!(
            "kafka: {{ topic: '{name}-{topic}', brokers: ['{address}'] }}"
        ))
    }

    fn address(&self) -> Option<String> {
        Some(self.kafka.address.clone())
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let records = self.kafka.read_all(&format!("{}-there", self.name));
        let stored = records.iter().map(|record| {
            let headers = record.headers().unwrap();
            let id = headers
                .iter()
                .find(|header| header.key == "tamis-id")
                .unwrap();
            let id = String::from_utf8(id.value.unwrap().to_vec()).unwrap();
            (
                id,
                serde_json::from_slice(record.payload().unwrap()).unwrap(),
            )
        });
        stored.collect()
    }

    fn bad(&self) -> Option<(Vec<u8>, &'static str)> {
        let long = "x".repeat(2 * MESSAGE_BYTES_MAX);
        let value = format!(r#"{{"long":"{long}"}}"#).into_bytes();
        Some((value, "Message size too large"))
    }

    fn advice(&self, case: Case) -> &'static str {
        match case {
            Case::Missing => "does not exist: make it, or correct its name",
            other => unreachable!("no sink of {other:?} stops"),
        }
    }

    fn repeats(&self) -> bool {
        true
    }
}

impl Server for Topics {
    fn kill(&self) {
        self.broker.as_ref().unwrap().kill();
    }

    fn start(&self) {
        self.broker.as_ref().unwrap().start();
    }
}

#[test]
fn topics_keep_every_law() {
    laws::keep(|| Topics::on(Kafka::shared(), None));
}

#[test]
fn topics_lose_nothing_when_their_broker_is_killed() {
    let broker = Broker::default();
    broker.start();
    laws::outlast_kills(&Topics::on(broker.kafka(), Some(broker)));
}
