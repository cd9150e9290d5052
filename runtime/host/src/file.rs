//! Files that others lay down, read so that nothing that lies there can hold up or fill whoever reads it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens the file at `path`, and nothing but a file: a pipe would wait for its writer.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub fn open_file(path: &Path) -> io::Result<File> {
    // Without waiting: what it is can only be asked of what is open, whatever its name leads to by then.
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(without_waiting)
        .open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is a pipe or a device, and no file"));
    }
    Ok(file)
}

/// The content of the file at `path`, of at most `bytes_max` bytes.
///
/// # Errors
/// When it cannot be read, or is no file; [`ErrorKind::FileTooLarge`] when it is larger, of which nothing is read then.
pub fn read_file(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = open_file(path)?;
    if file.metadata()?.len() > bytes_max {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    // It may have grown meanwhile, or be of a file system that does not say how large a file is.
    if bytes.len() as u64 > bytes_max {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        let kind = |path: &Path, bytes_max| read_file(path, bytes_max).unwrap_err().kind();
        assert_eq!(kind(&path, 4), ErrorKind::FileTooLarge);
        // Its length is said to be 0.
        let endless = Path::new("/proc/self/maps");
        assert_eq!(kind(endless, 10), ErrorKind::FileTooLarge);
        assert_eq!(kind(&folder.path().join("none"), 5), ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_is_no_file_nor_is_a_device() {
        let folder = read_file(Path::new("/"), 5).unwrap_err();
        assert_eq!(folder.kind(), ErrorKind::IsADirectory);
        let device = read_file(Path::new("/dev/zero"), 5).unwrap_err();
        assert!(device.to_string().contains("no file"), "{device}");
    }

    #[test]
    fn a_pipe_is_no_file_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        // Whoever waits for a writer meets one, and gets to the end of what it writes.
        let to = path.clone();
        let writer = thread::spawn(move || drop(fs::write(to, "12345")));
        let error = read_file(&path, 5).unwrap_err();
        assert!(error.to_string().contains("no file"), "{error}");
        // And the writer, that waits for a reader, meets one.
        let both = OpenOptions::new().read(true).write(true).open(&path);
        writer.join().unwrap();
        drop(both.unwrap());
    }
}
