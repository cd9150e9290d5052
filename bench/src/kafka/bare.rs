//! Consumers that only read: what librdkafka can do on this machine, beside this broker.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use super::topic::{PARTITIONS, Topic};
use crate::data::Place;
use crate::process::{self, Used};
use crate::stopwatch::Stopwatch;

/// As much ahead as there is: nothing but reading shall limit them.
const PREFETCH: [(&str, &str); 3] = [
    ("queued.min.messages", "10000000"),
    ("queued.max.messages.kbytes", "1048576"),
    ("enable.auto.commit", "false"),
];
/// No record comes for so long when something is wrong.
const RECORD_WAIT: Duration = Duration::from_secs(20);

/// A loop that polls; its time starts when it has its partitions.
pub(super) fn client(place: &Place, topic: &Topic) -> Result<Used> {
    let said = place.work("bare.txt");
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "read-all",
        &topic.broker,
        &topic.name,
        &topic.records.to_string(),
    ]);
    let used = process::run(command.stdout(File::create(&said)?))?;
    let seconds: f64 = fs::read_to_string(said)?
        .trim()
        .parse()
        .context("seconds")?;
    Ok(Used {
        wall: Duration::from_secs_f64(seconds),
        ..used
    })
}

/// kcat; its time is that of the process.
pub(super) fn kcat(topic: &Topic) -> Result<Used> {
    let mut command = Command::new("kcat");
    command.args([
        "-C",
        "-q",
        "-e",
        "-o",
        "beginning",
        "-b",
        &topic.broker,
        "-t",
        &topic.name,
    ]);
    for (name, value) in PREFETCH {
        command.arg("-X").arg(format!("{name}={value}"));
    }
    process::run(command.stdout(Stdio::null()))
}

/// Reads `records` records of `topic` and prints the seconds that it took.
pub(crate) fn read_all(broker: &str, topic: &str, records: usize) -> Result<()> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", broker)
        .set("group.id", "bench-bare");
    for (name, value) in PREFETCH {
        config.set(name, value);
    }
    let consumer: BaseConsumer = config.create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let watch = Stopwatch::start();
    let mut bytes = 0;
    for _ in 0..records {
        let record = consumer
            .poll(RECORD_WAIT)
            .context("the topic ends too soon")??;
        bytes += record.payload().context("a value")?.len();
    }
    let seconds = watch.elapsed().as_secs_f64();
    ensure!(bytes > 0, "the records are empty");
    writeln!(std::io::stdout(), "{seconds}")?;
    Ok(())
}
