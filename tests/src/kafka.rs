//! A real broker as its users see it: topics, records that go in, what a group has committed, records that come out.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::wait::{LONG, eventually};

/// How long one question may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Above what any test sends: the broker and its topics decide what is too large.
const MESSAGE_BYTES_MAX: &str = "20000000";

/// A cluster.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// `host:port`.
    pub address: String,
}

/// A record to send.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Where to.
    pub partition: i32,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none makes a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970; the present unless given.
    pub timestamp_ms: Option<i64>,
}

impl Message {
    /// A record of partition 0 that is a value alone.
    pub fn value(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }
}

impl Kafka {
    /// The broker that all tests share: `TAMIS_KAFKA`.
    ///
    /// # Panics
    /// Where the variable is not set.
    #[must_use]
    pub fn shared() -> Self {
        let address = env::var("TAMIS_KAFKA");
        let address = address.expect("TAMIS_KAFKA=$(tests/services/kafka.sh start) or `make test`");
        Self { address }
    }

    /// Makes a topic that no other test has; returns its name, which begins with `name`.
    #[must_use]
    pub fn new_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
        let topic = unique(name);
        self.create_topic(&topic, partitions, settings);
        topic
    }

    /// Makes a topic.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn create_topic(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let Admin { client, options } = self.admin();
        let results = block_on(client.create_topics([&new], &options));
        for result in results.expect("the broker answers") {
            result.unwrap_or_else(|(topic, code)| panic!("topic {topic}: {code}"));
        }
    }

    /// Deletes a topic, and waits until the broker knows it no more.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn delete_topic(&self, topic: &str) {
        let Admin { client, options } = self.admin();
        let results = block_on(client.delete_topics(&[topic], &options));
        for result in results.expect("the broker answers") {
            result.unwrap_or_else(|(topic, code)| panic!("topic {topic}: {code}"));
        }
    }

    /// Removes the records of a partition before `offset`, as retention does.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .expect("an offset");
        let Admin { client, options } = self.admin();
        let results = block_on(client.delete_records(&list, &options)).expect("the broker answers");
        for element in results.elements() {
            element.error().expect("the broker removes records");
        }
    }

    fn admin(&self) -> Admin {
        Admin {
            client: self
                .config()
                .create()
                .expect("an admin client needs no broker"),
            options: AdminOptions::new()
                .operation_timeout(Some(LONG))
                .request_timeout(Some(LONG)),
        }
    }

    /// Sends `messages` in order, and waits until the broker has all of them.
    ///
    /// # Panics
    /// Where it does not take one.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Message>) {
        let sender = self.sender(topic);
        for message in messages {
            sender.send(&message);
        }
        sender.flush();
    }

    /// Sends records to `topic` for as long as the test likes: in order and once, also while the broker dies and comes back.
    ///
    /// # Panics
    /// Where the client cannot be made.
    #[must_use]
    pub fn sender(&self, topic: &str) -> Sender {
        let producer = self
            .config()
            .set("enable.idempotence", "true")
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            .set("reconnect.backoff.max.ms", "500")
            .create_with_context(Deliveries::default());
        Sender {
            producer: producer.expect("a producer needs no broker"),
            topic: topic.to_owned(),
        }
    }

    /// Sends each line as a value: the one with index i to partition i modulo `partitions`.
    pub fn produce_lines<'a>(
        &self,
        topic: &str,
        lines: impl IntoIterator<Item = &'a [u8]>,
        partitions: i32,
    ) {
        let message = |(line, partition): (&[u8], _)| Message {
            partition,
            ..Message::value(line)
        };
        self.produce(
            topic,
            lines.into_iter().zip((0..partitions).cycle()).map(message),
        );
    }

    /// Every record that `topic` has.
    ///
    /// # Panics
    /// Where they do not come.
    #[must_use]
    pub fn read_all(&self, topic: &str) -> Vec<OwnedMessage> {
        let consumer = self.consumer("reader-of-all");
        let mut list = TopicPartitionList::new();
        let mut open = 0;
        for partition in 0..partitions(&consumer, topic) {
            // A topic that was just made has no leader for a moment.
            let mut watermarks = None;
            eventually(LONG, "the broker answers", || {
                let answer = consumer.fetch_watermarks(topic, partition, ANSWER_WAIT);
                watermarks = answer.ok();
                watermarks.is_some()
            });
            let (low, high) = watermarks.expect("it has answered");
            open += high - low;
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&list).expect("an assignment");
        let mut messages = Vec::new();
        eventually(LONG, "all records are read", || {
            while i64::try_from(messages.len()).expect("few") < open {
                match consumer.poll(Duration::from_millis(100)) {
                    Some(Ok(message)) => messages.push(message.detach()),
                    Some(Err(_)) | None => return false,
                }
            }
            true
        });
        messages
    }

    /// Every record in `topic` that a reader sees who waits for transactions to end, in the order of each partition.
    ///
    /// # Panics
    /// Where they do not come, one has no id, or a transaction does not end.
    #[must_use]
    pub fn read_committed(&self, topic: &str) -> Vec<Committed> {
        let mut config = self.config();
        config
            .set("group.id", "reader-of-committed")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create().expect("a consumer needs no broker");
        let mut open = partitions(&consumer, topic);
        // Such a reader sees nothing behind a transaction that is open. The broker aborts one whose producer died, after a while.
        let mut config = self.config();
        config
            .set("group.id", "reader-of-all")
            .set("isolation.level", "read_uncommitted");
        let all: BaseConsumer = config.create().expect("a consumer needs no broker");
        for partition in 0..open {
            let end = |consumer: &BaseConsumer| {
                consumer
                    .fetch_watermarks(topic, partition, ANSWER_WAIT)
                    .ok()
                    .map(|(_, next)| next)
            };
            eventually(LONG, "all transactions have ended", || {
                end(&all).is_some_and(|next| end(&consumer) == Some(next))
            });
        }
        let mut list = TopicPartitionList::new();
        for partition in 0..open {
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&list).expect("an assignment");
        let mut records = Vec::new();
        eventually(LONG, "all committed records are read", || {
            while open > 0 {
                match consumer.poll(Duration::from_millis(100)) {
                    Some(Ok(message)) => records.push(Committed::of(&message)),
                    Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                    Some(Err(_)) | None => return false,
                }
            }
            true
        });
        records
    }

    /// What `group` has committed of `topic`.
    #[must_use]
    pub fn group(&self, group: &str, topic: &str) -> Group {
        let consumer = self.consumer(group);
        let mut list = TopicPartitionList::new();
        let last = partitions(&consumer, topic) - 1;
        list.add_partition_range(topic, 0, last);
        Group { consumer, list }
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false");
        config.create().expect("a consumer needs no broker")
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }
}

/// A record that a transaction has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where it was found.
    pub partition: i32,
    /// What the header `tamis-id` says.
    pub id: String,
    /// Its value.
    pub value: Vec<u8>,
}

impl Committed {
    fn of(message: &impl rdkafka::Message) -> Self {
        Self {
            partition: message.partition(),
            id: id(message),
            value: message.payload().unwrap_or_default().to_vec(),
        }
    }
}

/// Changes topics.
struct Admin {
    client: AdminClient<DefaultClientContext>,
    options: AdminOptions,
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// A consumer group, looked at from outside.
pub struct Group {
    consumer: BaseConsumer,
    list: TopicPartitionList,
}

impl Group {
    /// How many records the group has settled, over all partitions.
    ///
    /// # Errors
    /// Where the broker does not say.
    pub fn committed(&self) -> Result<u64, KafkaError> {
        let offsets = self
            .consumer
            .committed_offsets(self.list.clone(), ANSWER_WAIT)?;
        let elements = offsets.elements();
        let next = elements.iter().map(|element| match element.offset() {
            Offset::Offset(next) => u64::try_from(next).unwrap_or_default(),
            _ => 0,
        });
        Ok(next.sum())
    }
}

impl Kafka {
    /// How many offsets of `topic` are taken, over all partitions.
    ///
    /// # Panics
    /// Where the broker does not say.
    #[must_use]
    pub fn end_of(&self, topic: &str) -> u64 {
        let consumer = self.consumer("reader-of-ends");
        let end = |partition| {
            let marks = consumer.fetch_watermarks(topic, partition, ANSWER_WAIT);
            let (_, high) = marks.expect("the broker answers");
            u64::try_from(high).expect("offsets are not negative")
        };
        (0..partitions(&consumer, topic)).map(end).sum()
    }
}

impl Kafka {
    /// In which state a group is, in Kafka's words.
    ///
    /// # Panics
    /// Where the broker does not say.
    #[must_use]
    pub fn state_of(&self, group: &str) -> String {
        let consumer = self.consumer("reader-of-groups");
        let groups = consumer.fetch_group_list(Some(group), LONG);
        let groups = groups.expect("the broker answers");
        groups.groups()[0].state().to_owned()
    }

    /// The groups that the broker knows.
    ///
    /// # Panics
    /// Where the broker does not say.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        let consumer = self.consumer("reader-of-groups");
        let groups = consumer.fetch_group_list(None, LONG);
        let groups = groups.expect("the broker answers");
        let names = groups.groups().iter().map(|group| group.name().to_owned());
        names.collect()
    }
}

/// The header `tamis-id`.
fn id(message: &impl rdkafka::Message) -> String {
    let headers = message.headers().expect("a record has headers");
    let id = headers.iter().find(|header| header.key == "tamis-id");
    let id = id
        .and_then(|header| header.value)
        .expect("a record has an id");
    String::from_utf8_lossy(id).into_owned()
}

/// A name that no other test has, nor the run before this one.
#[must_use]
pub fn unique(name: &str) -> String {
    format!("{name}-{:08x}", fastrand::u32(..))
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let metadata = consumer
        .fetch_metadata(Some(topic), LONG)
        .expect("the broker answers");
    let count = metadata.topics()[0].partitions().len();
    i32::try_from(count).expect("a test makes few partitions")
}

/// Sends records to one topic; see [`Kafka::sender`].
pub struct Sender {
    producer: BaseProducer<Deliveries>,
    topic: String,
}

impl Sender {
    /// Hands a record to the client, which sends it with others.
    ///
    /// # Panics
    /// Where the client does not take it.
    pub fn send(&self, message: &Message) {
        let Message {
            partition,
            key,
            value,
            headers,
            timestamp_ms,
        } = message;
        let add = |list: OwnedHeaders, (key, value): &(String, Option<Vec<u8>>)| {
            list.insert(Header {
                key,
                value: value.as_ref(),
            })
        };
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).partition(*partition);
        record.key = key.as_deref();
        record.payload = value.as_deref();
        record.timestamp = *timestamp_ms;
        record.headers =
            (!headers.is_empty()).then(|| headers.iter().fold(OwnedHeaders::new(), add));
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => panic!("{}: {error}", self.topic),
            }
        }
        self.producer.poll(Duration::ZERO);
    }

    /// How many records the broker has taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.producer.poll(Duration::ZERO);
        self.producer.context().taken.load(Ordering::Relaxed)
    }

    /// Waits until the broker has all of them.
    ///
    /// # Panics
    /// Where it does not take one.
    pub fn flush(&self) {
        self.producer.flush(LONG).expect("the broker answers");
        let failures = &self.producer.context().failures;
        let failures = failures.lock().expect("no one panics here");
        assert!(failures.is_empty(), "{}: {failures:?}", self.topic);
    }
}

/// What became of the records that were sent.
#[derive(Debug, Default)]
struct Deliveries {
    taken: AtomicU64,
    failures: Mutex<Vec<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                let mut failures = self.failures.lock().expect("no one panics here");
                failures.push(error.clone());
            }
        }
    }
}
