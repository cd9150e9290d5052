//! Which folder it is, and that it is its user's own.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::StateError;

/// Writing by anyone but the owner.
const WRITTEN_BY_OTHERS: u32 = 0o022;
/// Anything by anyone but the owner.
const OTHERS: u32 = 0o077;
/// What the names of files begin with that are being written.
const UNFINISHED: &str = "new-";

/// The folder of states: the one `given`, or the usual one by the environment's `variable`s. `None` where it is `off`, or nothing
/// says where it could be.
pub(crate) fn chosen(
    given: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    if let Some(given) = given {
        return (given.as_os_str() != "off").then(|| given.to_owned());
    }
    let folder = |name| variable(name).filter(|folder| !folder.is_empty());
    let states = folder("XDG_STATE_HOME").map(PathBuf::from);
    let states = states.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".local/state")));
    Some(states?.join("tamis"))
}

/// The folder of `pipeline` among the states in `folder`.
pub(crate) fn of_pipeline(folder: &Path, pipeline: &str) -> PathBuf {
    folder.join(pipeline)
}

/// Where the process that runs the pipeline of the folder `own` takes orders.
pub(crate) fn socket(own: &Path) -> PathBuf {
    own.join("control.sock")
}

/// Makes the folder of `pipeline` where it is not there, closed to all but its owner.
pub(super) fn make(folder: &Path, pipeline: &str) -> Result<PathBuf, StateError> {
    let create = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    create(folder).map_err(|error| StateError::Folder(folder.to_owned(), error))?;
    check(folder, WRITTEN_BY_OTHERS)?;
    let own = of_pipeline(folder, pipeline);
    create(&own).map_err(|error| StateError::Unusable(own.clone(), error))?;
    check(&own, OTHERS)?;
    Ok(own)
}

/// Fails where `folder` is none, is someone else's (root may do all anyway), or is open to others as `forbidden` says.
fn check(folder: &Path, forbidden: u32) -> Result<(), StateError> {
    let unusable = |error| StateError::Unusable(folder.to_owned(), error);
    let foreign = |why: String| Err(StateError::Foreign(folder.to_owned(), why));
    let metadata: Metadata = fs::metadata(folder).map_err(unusable)?;
    if !metadata.is_dir() {
        return Err(unusable(ErrorKind::NotADirectory.into()));
    }
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owner != geteuid().as_raw() && owner != 0 {
        return foreign(format!("belongs to user {owner}"));
    }
    if mode & forbidden != 0 {
        return foreign(format!("has the mode {mode:o}"));
    }
    Ok(())
}

/// Writes `content` to `path`, which has either this or what it had, whatever happens.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    use io::Write as _;

    let folder = path.parent().expect("it is a file in a folder");
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync(folder)
}

/// Lets the names in `folder` outlive the machine's death.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what a process that died has not finished writing to `folder`.
pub(super) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_one_given_or_the_usual_one_or_none() {
        let check = |given: Option<&str>, variables: &[(&str, &str)], expected: Option<&str>| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(it, _)| *it == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let found = chosen(given.map(Path::new), variable);
            assert_eq!(
                found.as_deref(),
                expected.map(Path::new),
                "{given:?} {variables:?}"
            );
        };
        let (home, states) = (("HOME", "/home/a"), ("XDG_STATE_HOME", "/states"));
        check(Some("/srv/tamis"), &[home], Some("/srv/tamis"));
        check(Some("off"), &[home], None);
        check(None, &[home], Some("/home/a/.local/state/tamis"));
        check(None, &[home, states], Some("/states/tamis"));
        check(
            None,
            &[home, ("XDG_STATE_HOME", "")],
            Some("/home/a/.local/state/tamis"),
        );
        check(None, &[("HOME", "")], None);
        check(None, &[], None);
    }
}
