//! Into stores, beside loops of the same client libraries that only write what was laid ready for them.
//!
//! Each side writes the same values under the same ids into a new table, with as many records in a request and as many requests
//! under way. What the store then holds is compared with the records before any time counts.

mod elasticsearch;
mod input;
mod latency;
mod mongodb;
mod mysql;
mod raw;

use std::collections::HashSet;
use std::fs::{self, File};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;

pub(crate) use self::elasticsearch::Elasticsearch;
pub(crate) use self::mongodb::Mongodb;
pub(crate) use self::mysql::Mysql;
use crate::REPETITIONS;
use crate::data::{Data, Place};
use crate::digest::Digest;
use crate::pipeline::Pipeline;
use crate::process::{self, Used};
use crate::report::{Bar, Report, Times};
use input::Input;
use raw::RawWriter;

/// Records of one request, on both sides: Tamis's default.
const RECORDS_MAX: usize = 2_000;
/// Requests under way at once, on both sides: Tamis's default.
const REQUESTS_MAX: usize = 4;
/// How long Tamis lets a record wait for others: its default.
const LINGER_MS: u64 = 20;

/// A store, and the table of it (an index, a collection) that all this goes to.
pub(crate) trait Store: Sized {
    /// Names its rows and its settings.
    const NAME: &'static str;
    /// The script that starts it.
    const SERVICE: &'static str;
    /// Writes requests over one connection.
    type Raw: RawWriter;

    /// The one at `address`.
    async fn connect(address: &str) -> Result<Self>;
    /// What the sink calls this table.
    fn table(&self) -> &str;
    /// Makes the table anew.
    async fn renew(&mut self) -> Result<()>;
    /// Does away with the table.
    async fn remove(&mut self) -> Result<()>;
    /// Connections, with `input` laid ready for them.
    async fn raw(&mut self, input: &Input) -> Result<Vec<Self::Raw>>;
    /// Which of `ids` are there.
    async fn seen(&mut self, ids: &[&str]) -> Result<HashSet<String>>;
    /// All that is there.
    async fn contents(&mut self) -> Result<Digest>;
    /// Adds what is special to it, of the records of `input`.
    async fn others(&mut self, _: &Place, _: &Input, _: &mut Report) -> Result<()> {
        Ok(())
    }
}

/// Adds the rows of one store.
pub(crate) fn measure<S: Store>(place: &Place, data: &Data, report: &mut Report) -> Result<()> {
    let service = crate::service::Service::find(place, S::SERVICE)?;
    let runtime = Runtime::new()?;
    let result = runtime.block_on(async {
        let mut store = S::connect(&service.address).await?;
        let input = Input::new(data)?;
        throughput(place, &mut store, &service.address, &input, report).await?;
        store.others(place, &input, report).await?;
        latency::measure(place, &mut store, &service.address, &input, report).await?;
        store.remove().await
    });
    result.context(S::NAME)
}

/// Both sides in turn, and each of them as often the first one.
async fn throughput<S: Store>(
    place: &Place,
    store: &mut S,
    address: &str,
    input: &Input,
    report: &mut Report,
) -> Result<()> {
    let expected = input::digest(&input.records)?;
    let (mut raw, mut wall, mut cpu) = (Times::default(), Times::default(), Times::default());
    for turn in 0..2 * REPETITIONS {
        store.renew().await?;
        if [0, 3].contains(&(turn % 4)) {
            let writers = store.raw(input).await?;
            raw.push(raw::write_all(writers, input.records.len()).await?);
        } else {
            let used = write(place, store, address, input)?;
            wall.push(used.wall);
            cpu.push(used.cpu);
        }
        check(store, expected).await?;
    }
    let records = input.records.len();
    let name = S::NAME;
    let raw_rate = report.records_per_s(&format!("{name}.raw"), records, &raw);
    let rate = report.records_per_s(name, records, &wall);
    report.ns_per_record(&format!("{name}.cpu"), records, &cpu, None);
    report.value(
        &format!("{name}.ratio"),
        rate / raw_rate,
        Some(Bar::AtLeast(0.9)),
    );
    Ok(())
}

/// Tamis, from a file, from its start to its end.
fn write<S: Store>(place: &Place, store: &S, address: &str, input: &Input) -> Result<Used> {
    let source = format!(
        "{{ file: {{ paths: {:?}, name: {} }} }}",
        input.path,
        input::SOURCE
    );
    let pipeline = pipeline(place, store, address, &source)?;
    let log = place.work(&format!("{}.log", S::NAME));
    let used = process::run(pipeline.command().stderr(File::create(&log)?));
    used.with_context(|| fs::read_to_string(&log).unwrap_or_default())
}

fn pipeline<S: Store>(place: &Place, store: &S, address: &str, source: &str) -> Result<Pipeline> {
    let requests = format!(
        "{{ records_max: {RECORDS_MAX}, linger_ms: {LINGER_MS}, requests_max: {REQUESTS_MAX} }}"
    );
    let values = [
        ("SOURCE", source),
        ("ADDRESS", address),
        ("TABLE", store.table()),
        ("REQUESTS", &requests),
    ];
    Pipeline::new(place, S::NAME, &values)
}

async fn check<S: Store>(store: &mut S, expected: Digest) -> Result<()> {
    let actual = store.contents().await?;
    ensure!(
        actual == expected,
        "the table {} holds {actual:?}, not {expected:?}",
        store.table()
    );
    Ok(())
}

/// A table of this run alone; the servers are those that tests use, too.
fn unique_name() -> String {
    format!("bench_{}_{:08x}", std::process::id(), fastrand::u32(..))
}
