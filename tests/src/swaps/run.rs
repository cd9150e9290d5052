//! One proof, from the first record to the last.

use std::fs;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::PARTITIONS;
use super::feed::Feed;
use super::history::{History, Turn, contradiction, coverage};
use super::options::Options;
use super::plan::{self, Kind, Swap, Way};
use super::reader::Reader;
use super::report::{Moment, Report, Tally};
use super::stage::{SLOWER_MAX, Stage};
use crate::place::Place;
use crate::prove::{Kept, Say};
use crate::tamis::{Ended, Running};
use crate::versions;
use crate::wait::{LONG, eventually};

/// The version that the process begins with.
const FIRST: u32 = 1;
/// In a calm proof so many versions come in turn: no swap but the first ones has to compile.
const CALM_VERSIONS: u32 = 8;
/// How long half of a file lies there before the rest of it comes.
const HALF: Duration = Duration::from_millis(1_500);
/// When a process is killed, after a version was sent on its way.
const KILL_MS_MAX: u64 = 800;
/// So many records are waited for behind a death or a roll-back: the next version is tried on those.
const SEEN_ANEW: u64 = 10_000;
/// Between two looks at the memory of the process.
const LOOK_AT_MEMORY: Duration = Duration::from_secs(1);

/// Runs one proof. What does not hold is in the report; then the folder of the proof is kept.
///
/// # Panics
/// Where a record is there twice or was made by two versions, the process ends by itself, or nothing moves any more. The folder is
/// kept, too.
#[must_use]
pub fn run(options: Options, say: Say) -> Report {
    let mut kept = Kept::new(Place::default(), options.seed, say);
    say(&format!("prove: {options}"));
    let stage = Stage::set_up(&kept.place, options.is_calm);
    let report = Proof::start(&stage, options, say).prove();
    kept.is_needed = !report.problems.is_empty();
    report
}

struct Proof<'a> {
    stage: &'a Stage<'a>,
    options: Options,
    say: Say,
    random: fastrand::Rng,
    tamis: Running,
    feed: Feed,
    reader: Reader,
    begun: Instant,
    tally: Tally,
    /// Versions that took over, where nothing else happens to them.
    turns: Vec<Turn>,
}

impl<'a> Proof<'a> {
    fn start(stage: &'a Stage<'a>, options: Options, say: Say) -> Self {
        let tamis = stage.start();
        let history = History::read(&stage.history());
        Self {
            stage,
            options,
            say,
            random: fastrand::Rng::with_seed(options.seed),
            tamis,
            feed: Feed::start(&stage.kafka, Stage::topic(), options.rate),
            reader: Reader::start(stage.out()),
            begun: Instant::now(),
            tally: Tally::default(),
            turns: history.turns(),
        }
    }

    fn prove(mut self) -> Report {
        self.until("the first records are seen", |it| it.reader.seen() > 0);
        let begun = Instant::now();
        let swaps = plan::swaps(self.options);
        for (number, swap) in (FIRST + 1..).zip(&swaps) {
            let due = begun + self.options.pace * (number - FIRST - 1);
            self.until("it is time for the next one", |_| Instant::now() >= due);
            let since = Instant::now();
            let came = self.swap(*swap, number);
            let took = since.elapsed().as_millis();
            self.tell(&format!(
                "{number:>4} {:<18} {:<7} {:<20} {took:>6} ms",
                format!("{:?}", swap.kind),
                format!("{:?}", swap.way),
                came
            ));
            self.tally.note(swap.kind, swap.kills, &came);
            if swap.kills || came == "rolled_back" {
                self.await_the_one_that_runs();
            }
        }
        self.tally.swapping = begun.elapsed();
        self.await_the_one_that_runs();
        let least = self.options.records;
        self.until_for(Duration::MAX, "there are records enough", |it| {
            it.reader.seen() >= least
        });
        self.end()
    }

    /// Waits until what runs has made records in each partition, as a version before it has, perhaps.
    fn await_the_one_that_runs(&mut self) {
        let runs = match self.options.is_calm {
            true => self.turns.last().map(|turn| turn.made.clone()),
            false => self.history().runs(),
        };
        let runs = runs.expect("something runs");
        let enough = self.reader.seen() + SEEN_ANEW;
        self.until("what runs has made records in each partition", |it| {
            it.reader.has_last(&runs) && it.reader.seen() >= enough
        });
    }

    fn tell(&self, what: &str) {
        let seconds = self.begun.elapsed().as_secs_f64();
        (self.say)(&format!("{seconds:>7.1} s  {what}"));
    }

    /// Waits until `is_so`, while the process runs and what it makes holds.
    fn until(&mut self, what: &str, is_so: impl FnMut(&mut Self) -> bool) {
        self.until_for(LONG, what, is_so);
    }

    fn until_for(&mut self, limit: Duration, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        eventually(limit, what, || {
            self.look();
            is_so(self)
        });
    }

    fn look(&mut self) {
        assert!(!crate::prove::is_interrupted(), "interrupted");
        let status = self.tamis.ended();
        assert!(status.is_none(), "it ended by itself: {status:?}");
        if self.reader.has_failed() {
            self.reader.finish();
        }
        let records = self.reader.seen();
        self.feed.seen(records);
        let after = self.begun.elapsed();
        let last = self.tally.moments.last();
        if last.is_none_or(|last| after - last.after >= LOOK_AT_MEMORY)
            && let Some(resident) = self.tamis.resident()
        {
            self.tally.moments.push(Moment {
                after,
                records,
                resident,
            });
        }
    }

    fn history(&self) -> History {
        History::read(&self.stage.history())
    }

    /// Sends version `number` on its way; what became of it.
    fn swap(&mut self, swap: Swap, number: u32) -> String {
        let Swap { kind, way, kills } = swap;
        if kind == Kind::WrongConfiguration {
            return self.configure_wrongly();
        }
        let number = match self.options.is_calm {
            true => FIRST + 1 + (number - FIRST - 1) % CALM_VERSIONS,
            false => number,
        };
        let (version, before) = (versions::name(number), self.history().len());
        let said_before = self.tamis.said().len();
        let bytes = versions::file(number, kind.does());
        let ended = match way {
            Way::File => {
                if kind == Kind::HalfWritten {
                    fs::write(self.stage.file(), half(&bytes)).expect("a file can be written");
                    let due = Instant::now() + HALF;
                    self.until("half of a file has lain there", |_| Instant::now() >= due);
                }
                self.stage.put(&bytes);
                None
            }
            Way::Command => Some(self.deploy(kind, &bytes, kills)),
        };
        if self.options.is_calm {
            let ended = ended.expect("it was deployed");
            assert_eq!(ended.code, Some(0), "{ended:?}");
            self.turns
                .extend(self.history().last().map(|made| Turn { made, stays: true }));
            return "promoted".to_owned();
        }
        if kills {
            let history = self.history();
            let verdict = history.verdict(&version, before).unwrap_or("nothing");
            return format!("{verdict}, killed");
        }
        let mut came = None;
        self.until("it is decided about a version", |it| {
            let history = it.history();
            let verdict = history.verdict(&version, before);
            came = verdict
                .filter(|it| *it != "on_probation")
                .map(str::to_owned);
            came.is_some() || ended.as_ref().is_some_and(|it| it.code != Some(0))
        });
        // Of one whose file could not be read the history does not know the version.
        let came = came.unwrap_or_else(|| "refused".to_owned());
        let said = self.tamis.said();
        let said = said.get(said_before..).unwrap_or_default();
        let is_right = kind.may_become(way).contains(&&*came)
            || (kind == Kind::Slow && came == "promoted" && is_no_slower(said));
        assert!(is_right, "{swap:?} was {came}: {ended:?}");
        came
    }

    /// Has the command deploy `bytes`, with what is wrong with them.
    fn deploy(&mut self, kind: Kind, bytes: &[u8], kills: bool) -> Ended {
        let file = self.stage.write(bytes);
        if kind != Kind::Unsigned {
            self.stage.sign(&file);
        }
        match kind {
            Kind::HalfWritten => fs::write(&file, half(bytes)).expect("a file can be written"),
            Kind::Altered => {
                let mut altered = bytes.to_vec();
                *altered.last_mut().expect("a plugin has bytes") ^= 1;
                fs::write(&file, altered).expect("a file can be written");
            }
            _ => {}
        }
        let mut deploying = self.stage.deploy(&file);
        if kills {
            thread::sleep(Duration::from_millis(self.random.u64(0..KILL_MS_MAX)));
            self.tamis.signal("KILL");
            eventually(LONG, "the process is dead", || self.tamis.ended().is_some());
            self.tamis = self.stage.start();
        }
        self.until("the command ends", |_| deploying.ended().is_some());
        deploying.wait()
    }

    fn configure_wrongly(&mut self) -> String {
        let refused = |it: &Self| it.history().count("refused", "config");
        let before = refused(self);
        self.stage.configure("nope: 1");
        self.until("a wrong setting is refused", |it| refused(it) > before);
        self.stage.configure("");
        "refused".to_owned()
    }

    /// Sends no more, waits until all is settled, and compares.
    fn end(mut self) -> Report {
        let sent = self.feed.finish();
        self.until("all is settled", |it| {
            it.stage
                .group
                .committed()
                .is_ok_and(|committed| committed == sent)
        });
        let took = self.begun.elapsed();
        self.tamis.signal("TERM");
        let ended = self.tamis.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let seen = self.reader.finish();
        let history = History::read(&self.stage.history());
        let turns = match self.options.is_calm {
            true => self.turns,
            false => history.turns(),
        };
        let letters = self.stage.letters();
        self.tally.coverage = coverage(&turns, seen.values());
        let mut problems = Vec::new();
        for partition in 0..PARTITIONS {
            let of = |(at, offset): &(i32, u64)| (*at == partition).then_some(*offset);
            let letters: Vec<u64> = letters.iter().filter_map(of).collect();
            let Some(seen) = seen.get(&partition) else {
                problems.push(format!("nothing was seen of partition {partition}"));
                continue;
            };
            let [partitions, number] =
                [PARTITIONS, partition].map(|it| u64::from(it.unsigned_abs()));
            let expected = sent / partitions + u64::from(sent % partitions > number);
            problems.extend(seen.problems(partition, expected, &letters));
            problems.extend(contradiction(&turns, partition, seen));
        }
        Report::new(
            self.options,
            self.tally,
            &history,
            &seen,
            letters.len(),
            took,
            problems,
        )
    }
}

/// The first half of it.
fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

/// Whether the version before was as slow as the new one when they were compared: the machine stood still, or it was a slow one, too.
fn is_no_slower(said: &str) -> bool {
    let number = |text: Option<&str>| text.and_then(|it| it.parse::<u64>().ok());
    let compared = said.rsplit_once(" ns a record, before ");
    compared.is_some_and(|(new, old)| {
        let new = number(new.rsplit(' ').next());
        let old = number(old.split(|char: char| !char.is_ascii_digit()).next());
        new.zip(old)
            .is_some_and(|(new, old)| new <= old * u64::from(SLOWER_MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_version_is_known_by_what_was_measured() {
        let check = |new: u64, old: u64, expected: bool| {
            let said =
                format!("7 records: 7 decided otherwise; {new} ns a record, before {old}; 2 MiB");
            assert_eq!(is_no_slower(&said), expected);
        };
        check(50_351, 21_617, true);
        check(53_259, 950, false);
        check(9_501, 950, false);
        assert!(!is_no_slower("nothing was compared"));
    }
}
