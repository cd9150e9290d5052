//! Tests of writing one file block by block.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

/// Reads as any other tool would.
pub(crate) fn decode(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match compression {
        Compression::None => plain.extend_from_slice(bytes),
        Compression::Gzip(_) => {
            flate2::read::MultiGzDecoder::new(bytes)
                .read_to_end(&mut plain)
                .map(drop)
                .unwrap();
        }
        Compression::Zstd(_) => plain = zstd::decode_all(bytes).unwrap(),
    }
    plain
}

const ALL: [Compression; 3] = [
    Compression::None,
    Compression::Gzip(6),
    Compression::Zstd(3),
];

#[test]
fn what_is_written_in_blocks_is_read_as_one_file() {
    for compression in ALL {
        for handles_max in [0, 1] {
            let folder = tempfile::tempdir().unwrap();
            let mut encoder = Encoder::new(compression, handles_max).unwrap();
            let mut file = StagedFile::new(folder.path().join("x.part"), String::new());
            let mut expected = Vec::new();
            for block in 0..3 {
                for line in 0..1000 {
                    let value = format!("{{\"block\":{block},\"line\":{line}}}").into_bytes();
                    let held = file.push(&value);
                    expected.extend_from_slice(&value);
                    expected.push(b'\n');
                    assert!(held > value.len());
                }
                file.write(&mut encoder).unwrap();
                file.shrink();
            }
            file.sync(&mut encoder).unwrap();
            assert_eq!(encoder.handles_left, handles_max);
            let bytes = fs::read(&file.path).unwrap();
            assert_eq!(
                decode(compression, &bytes),
                expected,
                "{compression:?} {handles_max}"
            );
        }
    }
}

#[test]
fn a_full_disk_is_waited_out_without_losing_or_doubling_a_line() {
    for compression in ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.part");
        symlink("/dev/full", &path).unwrap();
        let mut encoder = Encoder::new(compression, 1).unwrap();
        let mut file = StagedFile::new(path.clone(), String::new());
        file.push(b"one");
        for _ in 0..2 {
            let error = file.write(&mut encoder).unwrap_err();
            assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
        }
        file.push(b"two");
        // The disk has room again.
        fs::remove_file(&path).unwrap();
        drop(file.close(&mut encoder));
        file.write(&mut encoder).unwrap();
        file.sync(&mut encoder).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(
            decode(compression, &bytes),
            b"one\ntwo\n",
            "{compression:?}"
        );
    }
}

#[test]
fn a_folder_that_is_not_there_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("mount");
    let mut encoder = Encoder::new(Compression::None, 1).unwrap();
    let mut file = StagedFile::new(below.join("x.part"), String::new());
    file.push(b"one");
    assert!(matches!(
        file.write(&mut encoder),
        Err(SinkError::Unavailable(_))
    ));
    fs::create_dir(&below).unwrap();
    file.write(&mut encoder).unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), b"one\n");
}

/// A disk that takes as much as it is granted.
struct Quota {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Quota {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.left);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= count;
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #[test]
    fn a_block_that_is_written_in_parts_is_written_once(
        bytes in proptest::collection::vec(any::<u8>(), 1..50),
        grants in proptest::collection::vec(0..20_usize, 0..10),
    ) {
        let mut block = Block { bytes: bytes.clone(), written: 0 };
        let mut disk = Quota { bytes: Vec::new(), left: 0 };
        for grant in grants.into_iter().chain([50]) {
            disk.left = grant;
            let written = block.write_to(&mut disk);
            prop_assert_eq!(written.is_ok(), block.is_written());
        }
        prop_assert_eq!(disk.bytes, bytes);
    }
}
