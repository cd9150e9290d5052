//! Where runs are staged and how they are shown, by whichever member of the group.
//!
//! Below the root lies `.staging/OWNER/SOURCE/TOPIC/PARTITION/`: one folder for each partition of each owner (the consumer group,
//! or the pipeline), so that the next owner of a partition finds all that was left of it, and nothing else. A run's name begins
//! with the name of its store, a number that the root was given once: members whose roots are not the same folder notice.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::id::Partition;
use tamis_core::sink::{RunStore, SinkError, StagedRun};

use super::manifest;
use super::path::{STAGING, component};
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
            fs::create_dir_all(&folder).map_err(disk::failed("make folder", &folder))?;
            disk::sync_folders(&self.root, &folder)?;
        }
        Ok(folder)
    }

    fn show(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        let folder = self.folder(partition);
        let was_there = manifest::reveal(&self.root, &folder, &run.0)?;
        let (of, root) = (run.0.split('-').next(), self.root.display());
        if was_there || of == Some(&self.name) {
            return Ok(());
        }
        let message = format!(
            "run {} of {partition} is committed, but was staged in another folder than {root} (store {} here): all members of a \
             group must share one; give this member the folder of the others, or, where they are known to have shown the run, set \
             the offset of the group to what it is, which removes its name",
            run.0, self.name
        );
        Err(SinkError::Misconfigured(message.into()))
    }

    fn clear(&self, partition: &Partition) -> Result<(), SinkError> {
        let folder = self.folder(partition);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(disk::failed("read", &folder)(error)),
        };
        for entry in entries {
            let path = entry.map_err(disk::failed("read", &folder))?.path();
            disk::remove(&path)?;
        }
        Ok(())
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

    async fn sweep(&self, partition: &Partition) -> Result<(), SinkError> {
        let (store, partition) = (self.clone(), partition.clone());
        blocking(move || store.clear(&partition)).await
    }
}

/// A slow disk must not keep the caller from polling its group.
async fn blocking(
    work: impl FnOnce() -> Result<(), SinkError> + Send + 'static,
) -> Result<(), SinkError> {
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
