//! From a record to a message: topic, key, headers, and the partition that keeps records without a key in order.

use std::borrow::Cow;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::util::IntoOpaque;
use tamis_config::spec::{KafkaKey, KafkaSinkSpec, is_topic_name};
use tamis_config::template::{Part, Template};
use tamis_core::dead::HEADER_ID;
use tamis_core::headers;
use tamis_core::id::Partition;
use tamis_core::sink::Record;
use tamis_core::stamp;

use crate::template::Filling;

/// How the records of one sink become messages.
pub(super) struct Encoder {
    spec: KafkaSinkSpec,
    /// The topic, where the configuration alone names it.
    topic: Option<String>,
}

/// A record as Kafka takes it.
pub(super) struct Message<'a> {
    /// Where it goes.
    pub(super) topic: Cow<'a, str>,
    key: Option<Cow<'a, [u8]>>,
    value: Option<&'a [u8]>,
    timestamp_ms: Option<i64>,
    headers: Option<OwnedHeaders>,
    headers_bytes: usize,
    from: &'a Partition,
}

impl Encoder {
    pub(super) fn new(spec: &KafkaSinkSpec) -> Self {
        let literal = |part: &Part| match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Topic | Part::Partition | Part::Time(_) | Part::Field(_) | Part::Route => None,
        };
        Self {
            spec: spec.clone(),
            topic: spec.topic.parts.iter().map(literal).collect(),
        }
    }

    /// The message that `record` becomes: its value, time and headers as they are, its id, and which plugins made it.
    ///
    /// # Errors
    /// Why it can never be one.
    pub(super) fn message<'a>(&'a self, record: &Record<'a>) -> Result<Message<'a>, String> {
        let filling = Filling::of(*record);
        let topic = match &self.topic {
            Some(topic) => Cow::Borrowed(topic.as_str()),
            None => Cow::Owned(topic(&self.spec.topic, &filling)?),
        };
        let key = match &self.spec.key {
            KafkaKey::Record => record.key().map(Cow::Borrowed),
            KafkaKey::None => None,
            KafkaKey::Template(key) => filling.text(key).ok().map(|key| key.into_bytes().into()),
        };
        let mut message = Message::of(record, topic, key);
        let is_own = |name: &str| [HEADER_ID, stamp::HEADER].contains(&name);
        for (name, value) in headers::iter(record.headers()).filter(|(name, _)| !is_own(name)) {
            message.push(name, value);
        }
        for (name, value) in &self.spec.headers {
            if let Ok(value) = filling.text(value) {
                message.push(name, Some(value.as_bytes()));
            }
        }
        message.push(HEADER_ID, Some(record.id().to_string().as_bytes()));
        if let Some(stamp) = record.stamp().text() {
            message.push(stamp::HEADER, Some(stamp.as_bytes()));
        }
        Ok(message)
    }
}

/// The topic that a record names.
fn topic(template: &Template, filling: &Filling<'_>) -> Result<String, String> {
    let topic = filling
        .text(template)
        .map_err(|part| format!("it names no topic: it has no {part}"))?;
    if is_topic_name(&topic) {
        Ok(topic)
    } else {
        Err(format!(
            "it names the topic {topic:?}, which Kafka does not allow"
        ))
    }
}

impl<'a> Message<'a> {
    /// `record` for `topic` under `key`, still without headers.
    pub(super) fn of(record: &Record<'a>, topic: Cow<'a, str>, key: Option<Cow<'a, [u8]>>) -> Self {
        Self {
            topic,
            key,
            value: record.value(),
            timestamp_ms: record.timestamp_ms(),
            headers: None,
            headers_bytes: 0,
            from: record.partition(),
        }
    }

    /// Adds a header behind the others.
    pub(super) fn push(&mut self, key: &str, value: Option<&[u8]>) {
        self.headers_bytes += key.len() + value.map_or(0, <[u8]>::len);
        let headers = self.headers.take().unwrap_or_default();
        self.headers = Some(headers.insert(Header { key, value }));
    }

    /// Bytes of its key, value and headers; librdkafka adds some for each.
    pub(super) fn bytes(&self) -> usize {
        let key = self.key.as_deref().map_or(0, <[u8]>::len);
        key + self.value.map_or(0, <[u8]>::len) + self.headers_bytes
    }

    /// The one of `count` partitions that it goes to; `None` where its key decides, by the hash that Kafka's own client uses.
    ///
    /// Without a key librdkafka would spread the records of one partition over all of them, and they would lose their order.
    /// An empty key is one that every record of the topic shares, so it does not say more.
    pub(super) fn partition(&self, count: i32) -> Option<i32> {
        if self.key.as_deref().is_some_and(|key| !key.is_empty()) {
            return None;
        }
        let split = i64::from(self.from.number) + i64::from(self.from.split);
        let partition = split.rem_euclid(i64::from(count.max(1)));
        Some(i32::try_from(partition).expect("it is below the count"))
    }

    /// The message for a producer, which takes its headers.
    pub(super) fn record<O: IntoOpaque>(
        &mut self,
        partition: Option<i32>,
        delivery_opaque: O,
    ) -> BaseRecord<'_, [u8], [u8], O> {
        BaseRecord {
            topic: &self.topic,
            partition,
            payload: self.value,
            key: self.key.as_deref(),
            timestamp: self.timestamp_ms,
            headers: self.headers.take(),
            delivery_opaque,
        }
    }
}
