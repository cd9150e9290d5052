//! What lies in the stores of dead letters of a pipeline, up to where they end when reading is asked for.

use std::sync::{Arc, OnceLock};

use tamis_config::spec::DeadLettersSpec;
use tamis_core::batch::BatchBuilder;
use tamis_core::id::Partition;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};

use super::marker::Marker;
use crate::dead_folder::DeadFolder;
use crate::dead_folder::letter::DeadLetter;
use crate::dead_folder::read::{ReadError as FolderError, Snapshot};
use crate::halt::{Halt, Refusal};
#[cfg(feature = "kafka")]
use crate::kafka::dead_reader::TopicReader;

/// A letter, and where it lies: that never changes.
#[derive(Debug)]
pub struct Found {
    /// File and line, or partition and offset.
    pub place: String,
    /// The letter.
    pub letter: DeadLetter,
}

/// Something that is no letter of a version that is known.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Unreadable {
    /// File and line, or partition and offset.
    pub place: String,
    /// Why it cannot be read.
    pub problem: String,
}

/// One thing in a store.
#[derive(Debug)]
pub enum Entry {
    /// A letter.
    Letter(Found),
    /// The mark of one that was replayed.
    Mark(Marker),
    /// Neither; the others can be read.
    Unreadable(Unreadable),
}

/// What is looked for in one pass over a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Letters.
    Letters,
    /// Marks.
    Marks,
}

/// Why a store cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A person has to change something; says what.
    #[error("{0}")]
    Misconfigured(String),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It was not read to its end, because a person asked for that.
    #[error("stopped")]
    Halted,
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Misconfigured(reason) => Self::Misconfigured(reason),
            Refusal::Halted => Self::Halted,
        }
    }
}

/// A store of dead letters as it is at one moment.
pub struct DeadStore {
    name: String,
    kind: Kind,
    /// This store alone, for marks; connected with the first of them.
    spec: DeadLettersSpec,
    marks: OnceLock<Arc<dyn Sink>>,
}

enum Kind {
    Folder(Snapshot),
    #[cfg(feature = "kafka")]
    Topic(TopicReader),
}

/// The stores of `spec`. A topic that is away is waited for. `group` names the reader of a topic; nothing is committed for it.
///
/// # Errors
/// When one can never be read, or `halt` is set meanwhile.
#[cfg_attr(
    not(feature = "kafka"),
    expect(unused_variables, reason = "only a topic is waited for")
)]
pub fn open(spec: &DeadLettersSpec, group: &str, halt: &Halt) -> Result<Vec<DeadStore>, ReadError> {
    let mut stores = Vec::new();
    #[cfg(feature = "kafka")]
    if let Some(topic) = &spec.kafka {
        let kind = Kind::Topic(TopicReader::open(topic, group, halt)?);
        let alone = DeadLettersSpec {
            kafka: Some(topic.clone()),
            folder: None,
        };
        stores.push(DeadStore::new(
            format!("topic {}", topic.topic),
            kind,
            alone,
        ));
    }
    if let Some(folder) = &spec.folder {
        let kind = Kind::Folder(Snapshot::take(folder)?);
        let alone = DeadLettersSpec {
            kafka: None,
            folder: Some(folder.clone()),
        };
        stores.push(DeadStore::new(
            format!("folder {}", folder.display()),
            kind,
            alone,
        ));
    }
    Ok(stores)
}

impl DeadStore {
    fn new(name: String, kind: Kind, spec: DeadLettersSpec) -> Self {
        Self {
            name,
            kind,
            spec,
            marks: OnceLock::new(),
        }
    }

    /// What it is, for a person.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many letters and marks it has at most.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entries_max(&self) -> Result<u64, ReadError> {
        match &self.kind {
            Kind::Folder(snapshot) => Ok(snapshot.lines()?),
            #[cfg(feature = "kafka")]
            Kind::Topic(reader) => Ok(reader.entries_max()),
        }
    }

    /// All of it that is wanted. Only one such pass at a time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entries(
        &self,
        wanted: Wanted,
    ) -> Result<Box<dyn Iterator<Item = Result<Entry, ReadError>>>, ReadError> {
        Ok(match (&self.kind, wanted) {
            (Kind::Folder(snapshot), Wanted::Letters) => {
                let found = |(place, letter)| Entry::Letter(Found { place, letter });
                Box::new(
                    snapshot
                        .letters()
                        .map(move |it| Ok(readable(it.map(found)))),
                )
            }
            (Kind::Folder(snapshot), Wanted::Marks) => {
                Box::new(snapshot.marks().map(|it| Ok(readable(it.map(Entry::Mark)))))
            }
            #[cfg(feature = "kafka")]
            (Kind::Topic(reader), wanted) => Box::new(reader.entries(wanted)?),
        })
    }

    /// Tries once to store `marks` beside their letters. A mark that is there twice says the same, so all may be tried again.
    ///
    /// # Errors
    /// As the store says; some of the marks may be there.
    pub async fn mark(&self, marks: &[Marker]) -> Result<(), SinkError> {
        if marks.is_empty() {
            return Ok(());
        }
        let partition = Partition {
            source: "".into(),
            topic: "".into(),
            number: 0,
            split: 0,
        };
        let mut batch = BatchBuilder::new(Arc::new(partition), marks.len(), 0);
        for (index, mark) in (0..).zip(marks) {
            batch.push(index, -1, None, None, &mark.to_headers());
        }
        let mut records = Records::default();
        let count = u32::try_from(marks.len()).expect("chunks are small");
        records.push(&Arc::new(batch.finish(count.into())), 0..count);
        for verdict in self.marks().await?.write(&records).await? {
            match verdict {
                Verdict::Written => {}
                Verdict::Retry(reason) => return Err(SinkError::Unavailable(reason.into())),
                Verdict::Rejected(reason) => {
                    let reason = format!("it refused the mark of a replayed letter: {reason}");
                    return Err(SinkError::Misconfigured(reason.into()));
                }
            }
        }
        Ok(())
    }

    async fn marks(&self) -> Result<&Arc<dyn Sink>, SinkError> {
        if let Some(marks) = self.marks.get() {
            return Ok(marks);
        }
        let marks: Arc<dyn Sink> = match &self.spec.folder {
            Some(folder) => Arc::new(DeadFolder::marks(folder)?),
            None => super::connect(&self.spec).await?.first,
        };
        Ok(self.marks.get_or_init(|| marks))
    }
}

fn readable(found: Result<Entry, FolderError>) -> Entry {
    found.unwrap_or_else(|error| {
        let (place, problem) = match error {
            FolderError::Disk { path, source } => (path, source.to_string()),
            FolderError::Line {
                path,
                line,
                problem,
            } => return unreadable(format!("{} line {line}", path.display()), problem),
        };
        unreadable(place.display().to_string(), problem)
    })
}

fn unreadable(place: String, problem: String) -> Entry {
    Entry::Unreadable(Unreadable { place, problem })
}
