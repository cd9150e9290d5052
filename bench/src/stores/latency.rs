//! From the moment that a record is given to a producer until it is seen in the store, at a rate that leaves everyone time.
//!
//! Whoever looks asks the store for the ids that it has not seen yet, again and again, as a reader would. What the question takes
//! counts, too, and so does the time between two of them.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::process::Child;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use tokio::task::block_in_place;

use super::input::{self, Input, Record};
use super::{LINGER_MS, Store};
use crate::REPETITIONS;
use crate::data::Place;
use crate::kafka::{PARTITIONS, Topic};
use crate::process;
use crate::report::{Bar, Report, Times};
use crate::service::Service;
use crate::stopwatch::Stopwatch;

/// Records a second.
const RATE: usize = 1_000;
/// Records over which quantiles are taken: five seconds.
const WINDOW: usize = 5 * RATE;
/// What a record may take beyond the time that it waits for others.
const BEYOND_LINGER_MS: u64 = 50;
/// No record takes nearly as long, not even the first.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Between two questions.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Ids that are asked for at once, the oldest first. With more of them the question alone would keep the stand-in for MongoDB busy.
const IDS_MAX: usize = 32;

/// A record that was given to the producer: its number, and when that was.
type Sent = (usize, Duration);

/// Adds the rows of one store.
pub(super) async fn measure<S: Store>(
    place: &Place,
    store: &mut S,
    address: &str,
    input: &Input,
    report: &mut Report,
) -> Result<()> {
    let broker = Service::find(place, "kafka")?;
    // What asks the broker waits for it on this thread.
    let topic = block_in_place(|| Topic::empty(&broker.address, &super::unique_name()))?;
    let records = records(&topic.name, input);
    store.renew().await?;
    let source = format!(
        "{{ kafka: {{ brokers: [{:?}], topics: [{}], group: {}, start_at: earliest, name: {} }} }}",
        topic.broker,
        topic.name,
        topic.name,
        input::SOURCE
    );
    let pipeline = super::pipeline(place, store, address, &source)?;
    let log = place.work(&format!("{}-latency.log", S::NAME));
    let child = pipeline.command().stderr(File::create(&log)?).spawn()?;
    let watched = watch(store, &topic, records, child).await;
    let times = watched.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    super::check(store, input::digest(&self::records(&topic.name, input))?).await?;
    block_in_place(|| topic.check_committed(&topic.name))?;
    block_in_place(|| topic.delete())?;
    add(&times, S::NAME, report);
    Ok(())
}

/// As many as are sent, with the ids that they get: one that is to be seen before anything counts, then those of all windows.
fn records(topic: &str, input: &Input) -> Vec<Record> {
    let values = input.records.iter().map(|it| &it.value).cycle();
    let partitions = PARTITIONS.unsigned_abs() as usize;
    let record = |(number, value): (usize, &Vec<u8>)| {
        let (partition, offset) = (number % partitions, number / partitions);
        let id = format!("{}/{topic}/{partition}/{offset}/0", input::SOURCE);
        let value = value.clone();
        Record { id, value }
    };
    let count = 1 + REPETITIONS * WINDOW;
    values.take(count).enumerate().map(record).collect()
}

/// What each record took, in order. The program is ended, whatever comes.
async fn watch<S: Store>(
    store: &mut S,
    topic: &Topic,
    records: Vec<Record>,
    mut child: Child,
) -> Result<Vec<Duration>> {
    let ids: Vec<_> = records.iter().map(|it| it.id.clone()).collect();
    let watch = Stopwatch::start();
    let times = follow(store, topic, records, &ids, watch).await;
    match times {
        Ok(_) => {
            process::interrupt(child.id())?;
            process::wait(child, watch)?;
        }
        Err(_) => {
            child.kill()?;
            child.wait()?;
        }
    }
    times
}

async fn follow<S: Store>(
    store: &mut S,
    topic: &Topic,
    mut records: Vec<Record>,
    ids: &[String],
    watch: Stopwatch,
) -> Result<Vec<Duration>> {
    let rest = records.split_off(1);
    let (first, sending) = produce(topic, records, 0, watch)?;
    let mut times = see(store, &first, ids, watch).await?;
    sent(sending)?;
    let (others, sending) = produce(topic, rest, 1, watch)?;
    times.extend(see(store, &others, ids, watch).await?);
    sent(sending)?;
    Ok(times.split_off(1))
}

fn sent(sending: JoinHandle<Result<()>>) -> Result<()> {
    let sent = sending.join();
    sent.map_err(|_| anyhow::anyhow!("the producer panicked"))?
}

/// Gives `records`, the first of which has this `number`, to a producer on a thread of its own, each when it is due.
fn produce(
    topic: &Topic,
    records: Vec<Record>,
    number: usize,
    watch: Stopwatch,
) -> Result<(Receiver<Sent>, JoinHandle<Result<()>>)> {
    let mut config = ClientConfig::new();
    // It is Tamis that is measured, so the producer waits for nothing.
    config
        .set("bootstrap.servers", &topic.broker)
        .set("linger.ms", "0");
    let producer: BaseProducer<DefaultProducerContext> = config.create()?;
    let (name, partitions) = (topic.name.clone(), PARTITIONS.unsigned_abs() as usize);
    let (notes, sent) = sync_channel(records.len());
    let sending = thread::spawn(move || {
        let begun = watch.elapsed();
        for (index, Record { value, .. }) in records.into_iter().enumerate() {
            let due = begun + Duration::from_secs_f64(index as f64 / RATE as f64);
            thread::sleep(due.saturating_sub(watch.elapsed()));
            let partition = i32::try_from((number + index) % partitions)?;
            let record = BaseRecord::<(), _>::to(&name).payload(&value);
            let now = watch.elapsed();
            let given = producer.send(record.partition(partition));
            given.map_err(|(error, _)| error)?;
            notes.send((number + index, now))?;
            producer.poll(Duration::ZERO);
        }
        Ok(producer.flush(TIME_MAX)?)
    });
    Ok((sent, sending))
}

/// What each record takes that is noted in `sent`, in order, once all of them are seen.
async fn see<S: Store>(
    store: &mut S,
    sent: &Receiver<Sent>,
    ids: &[String],
    watch: Stopwatch,
) -> Result<Vec<Duration>> {
    let (mut unseen, mut times) = (VecDeque::<Sent>::new(), HashMap::new());
    let mut is_over = false;
    while !is_over || !unseen.is_empty() {
        loop {
            match sent.try_recv() {
                Ok(note) => unseen.push_back(note),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    is_over = true;
                    break;
                }
            }
        }
        if let Some((number, when)) = unseen.front() {
            let age = watch.elapsed() - *when;
            ensure!(age < TIME_MAX, "{} is not seen", ids[*number]);
            let asked = unseen.iter().take(IDS_MAX);
            let asked: Vec<_> = asked.map(|(number, _)| ids[*number].as_str()).collect();
            let seen = store.seen(&asked).await?;
            let now = watch.elapsed();
            unseen.retain(|(number, when)| {
                let is_seen = seen.contains(&ids[*number]);
                if is_seen {
                    times.insert(*number, now - *when);
                }
                !is_seen
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let mut times: Vec<_> = times.into_iter().collect();
    times.sort_unstable();
    Ok(times.into_iter().map(|(_, time)| time).collect())
}

/// Of each window the quantiles; the best window counts, as everywhere.
fn add(times: &[Duration], name: &str, report: &mut Report) {
    let bar = Bar::AtMost((LINGER_MS + BEYOND_LINGER_MS) as f64);
    for (percent, shown, bar) in [(50, "p50", None), (99, "p99", Some(bar))] {
        let of = |window: &[Duration]| {
            let mut window = window.to_vec();
            window.sort_unstable();
            quantile(&window, percent)
        };
        let windows: Times = times.chunks(WINDOW).map(of).collect();
        report.ms(&format!("{name}.latency.{shown}"), &windows, bar);
    }
}

/// That many percent of `times` are this fast; they are sorted.
fn quantile(times: &[Duration], percent: usize) -> Duration {
    let index = (times.len() * percent).div_ceil(100);
    times[index.clamp(1, times.len()) - 1]
}
