//! What the connectors that write to a disk have in common: which failures pass, and how bytes become safe.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tamis_core::sink::SinkError;

/// An operation on a file or folder that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}", path.display())]
pub(crate) struct DiskError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// For `map_err`: what `operation` on `path` that failed means for the pipeline.
///
/// A full disk or a vanished mount is waited out; what a person has to change stops.
pub(crate) fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SinkError {
    move |source| {
        use io::ErrorKind as Kind;
        let stops = matches!(
            source.kind(),
            Kind::PermissionDenied
                | Kind::NotADirectory
                | Kind::IsADirectory
                | Kind::AlreadyExists
                | Kind::ReadOnlyFilesystem
                | Kind::CrossesDevices
                | Kind::FileTooLarge
                | Kind::InvalidFilename
                | Kind::InvalidInput
                | Kind::StaleNetworkFileHandle
        );
        let error = Box::new(DiskError {
            operation,
            path: path.to_owned(),
            source,
        });
        if stops {
            SinkError::Misconfigured(error)
        } else {
            SinkError::Unavailable(error)
        }
    }
}

/// Makes what was written to `file` safe.
///
/// A failure stops: the system may have dropped what it could not write and say nothing the next time, so a second try that
/// works proves nothing. Once restarted, the pipeline reads the records again.
pub(crate) fn sync(file: &File, path: &Path) -> Result<(), SinkError> {
    file.sync_all().map_err(|source| {
        let (operation, path) = ("make safe what was written to", path.to_owned());
        SinkError::Misconfigured(Box::new(DiskError {
            operation,
            path,
            source,
        }))
    })
}

/// Makes safe which files `folder` has.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), SinkError> {
    let opened = File::open(folder).map_err(failed("open", folder))?;
    sync(&opened, folder)
}

/// Removes the file at `path`, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), SinkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes `folder` safe together with those above it up to `root`, which may be as new.
pub(crate) fn sync_folders(root: &Path, folder: &Path) -> Result<(), SinkError> {
    let mut below_root = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    below_root.try_for_each(sync_folder)
}

/// Makes `folder`, safe together with those above it that are as new, and tries whether files can be made in it.
pub(crate) fn make_writable(folder: &Path) -> Result<(), SinkError> {
    let parents = folder.ancestors().skip(1);
    let old = parents.into_iter().find(|parent| parent.is_dir());
    let old = old.unwrap_or(folder).to_owned();
    let is_new = !folder.is_dir();
    fs::create_dir_all(folder).map_err(failed("make folder", folder))?;
    if is_new {
        sync_folders(&old, folder)?;
    }
    let probe = folder.join(format!(".tamis-probe-{}", std::process::id()));
    File::create(&probe).map_err(failed(
        "make a file in a folder that must be writable:",
        &probe,
    ))?;
    fs::remove_file(&probe).map_err(failed("remove", &probe))
}
