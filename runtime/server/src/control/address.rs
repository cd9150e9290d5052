//! How a socket is named to the system, which takes short names alone.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// What fits with every system; Linux takes four bytes more.
const BYTES_MAX: usize = 103;

/// A name of the socket that the system takes. It is good while this lives.
pub(super) struct Address {
    path: PathBuf,
    /// The folder that a short name leads through.
    _folder: Option<File>,
}

impl Address {
    /// That of `socket`, whose folder is there. Where the path is long, Linux finds it by the open folder; elsewhere it is refused
    /// by whoever is given it.
    pub(super) fn of(socket: &Path) -> io::Result<Self> {
        let parts = socket.parent().zip(socket.file_name());
        let is_long = socket.as_os_str().len() > BYTES_MAX;
        let Some((folder, name)) = parts.filter(|_| is_long && cfg!(target_os = "linux")) else {
            return Ok(Self {
                path: socket.to_owned(),
                _folder: None,
            });
        };
        let folder = File::open(folder)?;
        let number = folder.as_raw_fd();
        Ok(Self {
            path: Path::new("/proc/self/fd")
                .join(number.to_string())
                .join(name),
            _folder: Some(folder),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
