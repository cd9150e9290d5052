//! Where runs are staged and how they are shown, by whichever member of the group.
//!
//! Below the root lies `.staging/OWNER/SOURCE/TOPIC/PARTITION/`: one folder for each partition of each owner (the consumer group,
//! or the pipeline), so that the next owner of a partition finds all that was left of it, and nothing else. A run's name begins
//! with the name of its store, a number that the root was given once: members whose roots are not the same folder notice. No two
//! runs have one name, so that who discards one by its name harms no other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::id::Partition;
use tamis_core::sink::{RunStore, SinkError, StagedRun};

use super::manifest;
use super::path::{STAGING, component};
use super::staged::StagedFile;
use crate::disk;

/// The file that holds the name of the store.
const NAME_FILE: &str = "store";

/// A root that all members of a group share.
#[derive(Debug, Clone)]
pub(crate) struct FileStore {
    root: PathBuf,
    owner: String,
    /// Eight hexadecimal digits.
    name: String,
}

impl FileStore {
    /// The store at `root`, for partitions of `owner`; it is made if it is not there.
    pub(crate) fn connect(root: &Path, owner: &str) -> Result<Arc<Self>, SinkError> {
        let staging = root.join(STAGING);
        disk::make_writable(&staging)?;
        let path = staging.join(NAME_FILE);
        let name = name(&path)?;
        if name.len() != 8 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("{} does not name a store: remove it", path.display());
            return Err(SinkError::Misconfigured(message.into()));
        }
        Ok(Arc::new(Self {
            root: root.to_owned(),
            owner: owner.to_owned(),
            name,
        }))
    }

    /// The name of a run that no other has, in any process.
    pub(crate) fn new_run(&self) -> String {
        format!("{}-{:016x}", self.name, fastrand::u64(..))
    }

    /// Where the runs of `partition` are staged.
    pub(crate) fn folder(&self, partition: &Partition) -> PathBuf {
        let Partition {
            source,
            topic,
            number,
            split: _,
        } = partition;
        let staging = self.root.join(STAGING);
        let folder = staging
            .join(component(&self.owner))
            .join(component(source))
            .join(component(topic));
        folder.join(number.to_string())
    }

    /// That folder, made if it is not there.
    pub(crate) fn make_folder(&self, partition: &Partition) -> Result<PathBuf, SinkError> {
        let folder = self.folder(partition);
        if !folder.is_dir() {
            // Below a root whose disk is away it would hide what is made there now.
            self.find()?;
            fs::create_dir_all(&folder).map_err(disk::failed("make folder", &folder))?;
            disk::sync_folders(&self.root, &folder)?;
        }
        Ok(folder)
    }

    /// Sees whether the store is where it was: a disk that is away looks like an empty folder.
    pub(crate) fn find(&self) -> Result<(), SinkError> {
        let path = self.root.join(STAGING).join(NAME_FILE);
        let name = read(&path)?;
        if name.as_ref() == Some(&self.name) {
            return Ok(());
        }
        let (path, known) = (path.display(), &self.name);
        Err(match name {
            None => SinkError::Unavailable(
                format!("{path} is gone: its disk is away, or, if someone removed it, this has to be started again").into(),
            ),
            Some(name) => SinkError::Misconfigured(
                format!("{path} names another store than before: {name}, not {known}").into(),
            ),
        })
    }

    /// Makes of a failure to write `files` what it is: where the store is there and one of them is not, or not whole, no waiting helps.
    pub(crate) fn judge<'a>(
        &self,
        error: SinkError,
        files: impl IntoIterator<Item = &'a StagedFile>,
    ) -> SinkError {
        let is_waited_for = matches!(error, SinkError::Unavailable(_)) && self.find().is_ok();
        match files
            .into_iter()
            .find(|file| is_waited_for && file.is_gone())
        {
            Some(file) => {
                let path = file.path.display();
                let message = format!(
                    "{path} was removed or changed by someone; its records will be read again"
                );
                SinkError::Gone(message.into())
            }
            None => error,
        }
    }

    fn show(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        let folder = self.folder(partition);
        if manifest::reveal(&self.root, &folder, &run.0)? {
            return Ok(());
        }
        let (of, root) = (run.0.split('-').next(), self.root.display());
        if of == Some(&self.name) {
            self.find()?;
            let message = format!(
                "run {} of {partition} is committed, but there is nothing of it in {}: its source had another name when it was staged \
                 (start once with that), or someone removed it; to go on without its records, set the offset of the group to what \
                 it is, which removes its name",
                run.0,
                folder.display()
            );
            return Err(SinkError::Gone(message.into()));
        }
        let message = format!(
            "run {} of {partition} is committed, but was staged in another folder than {root} (store {} here): all members of a \
             group must share one; give this member the folder of the others, or, where they are known to have shown the run, set \
             the offset of the group to what it is, which removes its name",
            run.0, self.name
        );
        Err(SinkError::Misconfigured(message.into()))
    }

    /// The names of the files in the folder of `partition`.
    fn files(&self, partition: &Partition) -> Result<Vec<String>, SinkError> {
        let folder = self.folder(partition);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(disk::failed("read", &folder)(error)),
        };
        // Names that are not UTF-8 are none of ours.
        let names = entries.filter_map(|entry| {
            let name = entry.map(|entry| entry.file_name().into_string().ok());
            name.transpose()
        });
        let names: io::Result<_> = names.collect();
        names.map_err(disk::failed("read", &folder))
    }

    fn runs(&self, partition: &Partition) -> Result<Vec<StagedRun>, SinkError> {
        let files = self.files(partition)?;
        let runs: BTreeSet<_> = files.iter().map(|file| manifest::run_of(file)).collect();
        let runs = runs.into_iter().map(|run| StagedRun(run.to_owned()));
        Ok(runs.collect())
    }

    fn remove(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        let (folder, files) = (self.folder(partition), self.files(partition)?);
        files
            .iter()
            .filter(|file| manifest::run_of(file) == run.0)
            .try_for_each(|file| disk::remove(&folder.join(file)))
    }
}

/// Removes what is empty of the folders of `owner` below `root`.
pub(crate) fn forget(root: &Path, owner: &str) {
    fn remove(folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|it| it.is_dir()) {
                remove(&entry.path());
            }
        }
        // One that is not empty stays.
        let _kept = fs::remove_dir(folder);
    }
    remove(&root.join(STAGING).join(component(owner)));
}

#[async_trait]
impl RunStore for FileStore {
    async fn reveal(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        let (store, partition, run) = (self.clone(), partition.clone(), run.clone());
        blocking(move || store.show(&partition, &run)).await
    }

    async fn staged(&self, partition: &Partition) -> Result<Vec<StagedRun>, SinkError> {
        let (store, partition) = (self.clone(), partition.clone());
        blocking(move || store.runs(&partition)).await
    }

    async fn discard(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        let (store, partition, run) = (self.clone(), partition.clone(), run.clone());
        blocking(move || store.remove(&partition, &run)).await
    }
}

/// A slow disk must not keep the caller from polling its group.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SinkError> + Send + 'static,
) -> Result<T, SinkError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| SinkError::Misconfigured(panic.into()))?
}

/// The name in the file at `path`, which is given one now if it has none. Of two that do so at once one wins.
fn name(path: &Path) -> Result<String, SinkError> {
    if let Some(name) = read(path)? {
        return Ok(name);
    }
    let new = path.with_extension(format!("{:016x}", fastrand::u64(..)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&new)
        .map_err(disk::failed("make", &new))?;
    let name = format!("{:08x}", fastrand::u32(..));
    file.write_all(name.as_bytes())
        .map_err(disk::failed("write", &new))?;
    disk::sync(&file, &new)?;
    let linked = fs::hard_link(&new, path);
    disk::remove(&new)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(disk::failed("make", path)(error));
        }
        Ok(()) | Err(_) => {}
    }
    disk::sync_folder(path.parent().expect("it lies in the staging folder"))?;
    read(path).map(Option::unwrap_or_default)
}

fn read(path: &Path) -> Result<Option<String>, SinkError> {
    match File::open(path).and_then(io::read_to_string) {
        Ok(name) => Ok(Some(name.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk::failed("read", path)(error)),
    }
}

#[cfg(test)]
mod tests;
