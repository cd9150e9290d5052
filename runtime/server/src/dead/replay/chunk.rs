//! Some thousand letters on their way through the pipeline once more, and their marks when all of it is settled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tamis_config::PipelineSpec;
use tamis_connect::dead::letters::{LetterSource, partition};
use tamis_connect::dead::marker::Marker;
use tamis_connect::dead::read::{DeadStore, ReadError};
use tamis_connect::dead_folder::letter::DeadLetter;
use tamis_connect::source::BatchLimits;
use tamis_core::only::Wanted;
use tamis_core::sink::SinkError;
use tamis_core::source::Source;
use tamis_core::{Executor, Pipeline, causes};
use tamis_host::Plugin;
use tracing::{info, warn};

use super::interrupt::Interrupt;
use super::tally::Tally;
use crate::dead::pass::{Key, Seen};
use crate::dead::target::Target;
use crate::wiring;

/// Letters of one chunk.
const LETTERS_MAX: usize = 10_000;
/// Bytes of their keys, values and headers.
const BYTES_MAX: usize = 64 << 20;
/// Marks that are stored at once.
const MARKS_MAX: usize = 1_000;
/// Between two tries to store marks.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// After how many of them it is said again.
const SAY_EVERY: u32 = 60;
/// Letters that are named when they are left alone; the others are but counted.
const NAMED_MAX: u64 = 20;

/// A letter that is to be replayed.
#[derive(Debug)]
struct Chosen {
    letter: DeadLetter,
    target: Target,
    key: Key,
    /// Each of its copies: the store, and where in it.
    places: Vec<(usize, String)>,
}

/// Letters that are replayed together.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The pass over the stores in which they were read.
    pub(super) pass: u64,
    letters: Vec<Chosen>,
    by_key: HashMap<Key, usize>,
    bytes: usize,
    /// Letters of this pass that were not replayed and will not be.
    left: HashSet<Key>,
    /// Copies of letters that were replayed before.
    copies: Vec<(usize, Marker)>,
}

impl Chunk {
    pub(super) fn of_pass(pass: u64) -> Self {
        Self {
            pass,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, seen: Seen, target: Target) {
        let Seen {
            store,
            place,
            letter,
            key,
            ..
        } = seen;
        let length = |content: &Option<_>| content.as_ref().map_or(0, bytes_of);
        let headers = letter
            .headers
            .iter()
            .map(|(name, value)| name.len() + length(value));
        self.bytes += headers.sum::<usize>() + length(&letter.key) + length(&letter.value);
        self.by_key.insert(key, self.letters.len());
        self.letters.push(Chosen {
            letter,
            target,
            key,
            places: vec![(store, place)],
        });
    }

    /// Notes one more copy of a letter that came before: it is replayed with it.
    pub(super) fn add_copy(&mut self, seen: &Seen) {
        if self.left.contains(&seen.key) {
            return;
        }
        let place = seen.place.clone();
        match self.by_key.get(&seen.key) {
            Some(index) => self.letters[*index].places.push((seen.store, place)),
            None => self.copies.push((seen.store, mark(&seen.letter, place))),
        }
    }

    /// Notes a letter of this pass that is left alone.
    pub(super) fn leave(&mut self, key: Key) {
        self.left.insert(key);
    }

    pub(super) fn is_full(&self) -> bool {
        self.letters.len() >= LETTERS_MAX || self.bytes >= BYTES_MAX
    }
}

fn bytes_of(content: &tamis_connect::dead_folder::letter::Content) -> usize {
    content.0.len()
}

fn mark(letter: &DeadLetter, place: String) -> Marker {
    let when = Timestamp::now().to_string();
    Marker::new(letter.id.clone(), letter.stage.clone(), place, when)
}

/// What letters are replayed with.
pub(super) struct Replay<'a> {
    spec: &'a PipelineSpec,
    plugins: Vec<Arc<Plugin>>,
    pub(super) interrupt: Interrupt,
    /// No one else's, so no one sweeps what is staged under it, nor is anything else swept.
    owner: String,
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        spec: &'a PipelineSpec,
        plugins: Vec<Arc<Plugin>>,
        interrupt: Interrupt,
    ) -> Self {
        let owner = format!(
            "{}.dead-replay.{:016x}",
            wiring::owner(spec),
            fastrand::u64(..)
        );
        Self {
            spec,
            plugins,
            interrupt,
            owner,
        }
    }

    /// Replays the letters of `chunk`, settles all that comes of them, and marks them. None of them is in it afterwards.
    pub(super) async fn send(
        &self,
        chunk: &mut Chunk,
        stores: &[DeadStore],
        tally: &mut Tally,
    ) -> Result<()> {
        let mut by_target = BTreeMap::<Target, Vec<Chosen>>::new();
        for chosen in chunk.letters.drain(..) {
            by_target.entry(chosen.target).or_default().push(chosen);
        }
        chunk.by_key.clear();
        chunk.bytes = 0;
        let mut marks = std::mem::take(&mut chunk.copies);
        for (target, chosen) in by_target {
            let name = target.name(self.spec);
            let settled = self.run(target, &chosen, tally).await;
            let left = settled.with_context(|| format!("replay to {name}"))?;
            for (
                index,
                Chosen {
                    letter,
                    key,
                    places,
                    ..
                },
            ) in chosen.into_iter().enumerate()
            {
                if left.contains(&index) {
                    chunk.left.insert(key);
                } else {
                    tally.replayed += 1;
                    marks.extend(
                        places
                            .into_iter()
                            .map(|(store, place)| (store, mark(&letter, place))),
                    );
                }
            }
            self.store(std::mem::take(&mut marks), stores).await?;
            info!(to = name, replayed = tally.replayed, "letters are settled");
        }
        self.store(marks, stores).await
    }

    /// Runs the records of `chosen` to their end; returns which of them have to be left alone.
    async fn run(
        &self,
        target: Target,
        chosen: &[Chosen],
        tally: &mut Tally,
    ) -> Result<HashSet<usize>> {
        let mut wanted = Wanted::default();
        for Chosen { letter, .. } in chosen {
            wanted.add(partition(letter), letter.offset, letter.number);
        }
        let wanted = Arc::new(wanted);
        let pipeline = tokio::select! {
            pipeline = self.pipeline(target, chosen, &wanted) => pipeline?,
            () = self.interrupt.halted() => return Err(ReadError::Halted.into()),
        };
        let (_running, counts) = (self.interrupt.running(pipeline.stop()), pipeline.counts());
        let executor = Executor::Threads(tokio::runtime::Handle::current());
        let ended = pipeline.run(&executor).await;
        tally.again += counts.totals().dead;
        if ended?.unsettled > 0 {
            return Err(ReadError::Halted.into());
        }
        let missing = wanted.missing();
        let mut left = HashSet::new();
        for (index, Chosen { letter, .. }) in chosen.iter().enumerate() {
            let of = partition(letter);
            let missing = missing.iter().find(|it| {
                (it.offset, it.number) == (letter.offset, letter.number) && it.partition == of
            });
            match missing.map(|missing| missing.refused.as_deref()) {
                Some(Some(refused)) => {
                    left.insert(index);
                    leave(letter, refused, tally);
                }
                Some(None) => tally.dropped += 1,
                None => {}
            }
        }
        Ok(left)
    }

    async fn pipeline(
        &self,
        target: Target,
        chosen: &[Chosen],
        wanted: &Arc<Wanted>,
    ) -> Result<Pipeline> {
        let spec = self.spec;
        let limits = BatchLimits {
            records_max: spec.limits.batch_records_max,
            bytes_max: spec.limits.batch_bytes_max,
        };
        let lanes = target.lanes(wiring::instances(spec, &self.plugins)?, wanted);
        let letters = chosen.iter().map(|chosen| chosen.letter.clone()).collect();
        let source: Box<dyn Source> = Box::new(LetterSource::new(letters, limits));
        let source = || std::future::ready(Ok(source));
        // It has no offsets to commit.
        wiring::assemble(spec, source, lanes, target.sinks(spec), &self.owner, None).await
    }

    /// Stores `marks`, each beside its letter. An outage is waited out.
    async fn store(&self, marks: Vec<(usize, Marker)>, stores: &[DeadStore]) -> Result<()> {
        for (index, store) in stores.iter().enumerate() {
            let of_store = marks.iter().filter(|(of, _)| *of == index);
            let marks: Vec<_> = of_store.map(|(_, mark)| mark.clone()).collect();
            for marks in marks.chunks(MARKS_MAX) {
                self.store_in(store, marks).await?;
            }
        }
        Ok(())
    }

    async fn store_in(&self, store: &DeadStore, marks: &[Marker]) -> Result<()> {
        for tries in 0.. {
            match store.mark(marks).await {
                Ok(()) => break,
                Err(SinkError::Misconfigured(error) | SinkError::Gone(error)) => {
                    let error = anyhow::Error::from_boxed(error);
                    return Err(error.context(format!(
                        "{}: letters were replayed and could not be marked",
                        store.name()
                    )));
                }
                Err(SinkError::Unavailable(error)) if tries % SAY_EVERY == 0 => {
                    let (store, error) = (store.name(), causes(&*error));
                    warn!(
                        store,
                        error, "store of dead letters is unavailable, trying again"
                    );
                }
                Err(SinkError::Unavailable(_)) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                () = self.interrupt.given_up() => return Err(ReadError::Halted.into()),
            }
        }
        Ok(())
    }

    /// Removes the empty folders in which runs were staged.
    pub(super) fn clean_up(&self) {
        for sink in &self.spec.sinks {
            tamis_connect::sink::forget(sink, &self.owner);
        }
    }
}

/// Says that a letter stays as it is.
fn leave(letter: &DeadLetter, refused: &str, tally: &mut Tally) {
    if tally.left < NAMED_MAX {
        let (id, stage) = (&letter.id, &letter.stage);
        warn!(
            id,
            stage, refused, "left alone: a stage in front refuses it now"
        );
    }
    tally.left += 1;
}
