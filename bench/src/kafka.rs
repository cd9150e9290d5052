//! From a topic to files, beside consumers that only read the topic. The broker runs on the same cores.
//!
//! What counts starts when the consumer has its partitions and ends when the last record can be seen in its file, which
//! is then safe and committed. What the process needs before is a row of its own.

mod bare;
mod topic;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::REPETITIONS;
use crate::data::{Data, Place};
use crate::files::Expected;
use crate::pipeline::Pipeline;
use crate::process::{self, Used};
use crate::report::{Bar, Report, Times};
use crate::scrape::{self, Scraper};
use crate::service::Service;
use crate::stopwatch::Stopwatch;

pub(crate) use bare::read_all;
pub(crate) use topic::{PARTITIONS, Topic};

/// No run takes nearly as long.
const TIME_MAX: Duration = Duration::from_secs(120);
/// How exact the end is seen.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Adds the rows of all this.
pub(crate) fn measure(
    place: &Place,
    data: &Data,
    expected: Expected,
    report: &mut Report,
) -> Result<()> {
    let broker = Service::find(place, "kafka")?;
    let topic = topic::fill(&broker.address, data)?;
    let (mut client, mut kcat) = (Vec::new(), Vec::new());
    let (mut tamis, mut scraped) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        client.push(bare::client(place, &topic)?);
        kcat.push(bare::kcat(&topic)?);
        tamis.push(run(place, &topic, expected, false)?);
        scraped.push(run(place, &topic, expected, true)?);
    }
    let times = |of: &[Used]| -> Times { of.iter().map(|used| used.wall).collect() };
    let (bare, name) = match times(&client).best() <= times(&kcat).best() {
        true => (&client, "a loop that polls"),
        false => (&kcat, "kcat"),
    };
    report.note(format!("kafka_bare is {name}"));
    let bare_rate = report.records_per_s("kafka_bare", data.records, &times(bare));
    let all: Times = tamis.iter().map(|it| it.reading).collect();
    let rate = report.records_per_s("kafka_to_file", data.records, &all);
    report.value(
        "kafka_to_file.ratio",
        rate / bare_rate,
        Some(Bar::AtLeast(0.6)),
    );

    let bare_cpu: Times = bare.iter().map(|used| used.cpu).collect();
    report.ns_per_record("kafka_bare.cpu", data.records, &bare_cpu, None);
    let cpu: Times = tamis.iter().map(|it| it.cpu).collect();
    report.ns_per_record("kafka_to_file.cpu", data.records, &cpu, None);
    let above = (cpu.best() - bare_cpu.best()) * 1e9 / data.records as f64;
    report.value(
        "kafka_to_file.cpu_above_bare.ns_per_record",
        above,
        Some(Bar::AtMost(800.0)),
    );
    add_scraped(data.records, (&all, &cpu), &scraped, report);
    let start: Times = tamis.iter().map(|it| it.start).collect();
    report.value("kafka_to_file.start.ms", start.best() * 1e3, None);
    let rss = tamis.iter().map(|it| it.rss_bytes).max().context("a run")?;
    report.value("peak_rss_mb", rss as f64 / 1e6, Some(Bar::AtMost(150.0)));
    Ok(())
}

/// Adds the same runs while their metrics are read ten times a second, beside the time and CPU time of those `alone`.
fn add_scraped(records: usize, alone: (&Times, &Times), scraped: &[Taken], report: &mut Report) {
    let name = "kafka_to_file.scraped";
    let times: Times = scraped.iter().map(|it| it.reading).collect();
    let cpu: Times = scraped.iter().map(|it| it.cpu).collect();
    report.records_per_s(name, records, &times);
    let ratio = alone.0.best() / times.best();
    report.value(&format!("{name}.ratio"), ratio, Some(Bar::AtLeast(0.99)));
    let ratio = cpu.best() / alone.1.best();
    report.value(&format!("{name}.cpu_ratio"), ratio, Some(Bar::AtMost(1.01)));
}

/// What one run of Tamis took.
struct Taken {
    /// Until it had its partitions.
    start: Duration,
    /// From there until the last record was seen.
    reading: Duration,
    /// User and system time since it had its partitions, up to the end of the process.
    cpu: Duration,
    /// The most memory that it had until the last record was seen.
    rss_bytes: u64,
}

fn run(place: &Place, topic: &Topic, expected: Expected, is_scraped: bool) -> Result<Taken> {
    let group = format!("bench-{}-{:08x}", std::process::id(), fastrand::u32(..));
    let run_records = topic.kept_per_partition.to_string();
    let values = [
        ("BROKER", topic.broker.as_str()),
        ("TOPIC", topic.name.as_str()),
        ("GROUP", group.as_str()),
        ("RUN_RECORDS", run_records.as_str()),
    ];
    let pipeline = Pipeline::new(place, "kafka", &values)?;
    let log = place.work("kafka.log");
    let mut command = pipeline.command();
    let scraper = if is_scraped {
        let address = scrape::free_address()?;
        command.args(["--telemetry", &address]);
        Some(Scraper::start(&address))
    } else {
        None
    };
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let watch = Stopwatch::start();
    let watched = follow(&mut child, watch, &log, &pipeline.kept(), expected.bytes);
    if watched.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let watched = watched.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    scraper.map_or(Ok(()), Scraper::end)?;
    process::interrupt(child.id())?;
    let used = process::wait(child, watch)?;
    pipeline.check(expected.digest)?;
    topic.check_committed(&group)?;
    Ok(Taken {
        start: watched.start,
        reading: watched.seen - watched.start,
        cpu: used.cpu - watched.cpu_before,
        rss_bytes: watched.rss_bytes,
    })
}

/// When it got its partitions, and what it had used until then.
type Begun = (Duration, Duration);

/// What is seen of a run from outside.
struct Watched {
    /// When it got its partitions.
    start: Duration,
    cpu_before: Duration,
    /// When its output was complete.
    seen: Duration,
    rss_bytes: u64,
}

fn follow(
    child: &mut Child,
    watch: Stopwatch,
    log: &Path,
    kept: &Path,
    bytes: u64,
) -> Result<Watched> {
    let (begun, assigned) = sync_channel(1);
    let (stderr, id, log) = (
        child.stderr.take().context("a pipe")?,
        child.id(),
        log.to_owned(),
    );
    // It ends with the program, whose other end of the pipe it has.
    thread::spawn(move || read_log(stderr, &log, id, watch, &begun));
    let (start, cpu_before) = assigned
        .recv_timeout(TIME_MAX)
        .context("no partitions were assigned")?;
    while size(kept)? < bytes {
        ensure!(
            watch.elapsed() < TIME_MAX,
            "its output is not complete after {TIME_MAX:?}"
        );
        ensure!(child.try_wait()?.is_none(), "it ended by itself");
        thread::sleep(LOOK_EVERY);
    }
    let seen = watch.elapsed();
    let rss_bytes = process::peak_rss_of(id)?;
    Ok(Watched {
        start,
        cpu_before,
        seen,
        rss_bytes,
    })
}

fn read_log(
    stderr: ChildStderr,
    log: &Path,
    id: u32,
    watch: Stopwatch,
    begun: &SyncSender<Begun>,
) -> Result<()> {
    let mut log = fs::File::create(log)?;
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        if line.contains("partitions assigned") {
            begun.try_send((watch.elapsed(), process::cpu_of(id)?))?;
        }
        writeln!(log, "{line}")?;
    }
    Ok(())
}

/// Bytes of the files in `folder`, which may not be there yet.
fn size(folder: &Path) -> Result<u64> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(0);
    };
    let mut bytes = 0;
    for entry in entries {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
