use std::fs::{self, File};
use std::os::unix::fs::symlink;

use super::*;

/// A component with no sections.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

struct Folder {
    folder: tempfile::TempDir,
    watch: Watch,
    now: Instant,
}

impl Folder {
    /// With a file that is watched, and was there before.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.wasm");
        fs::write(&path, EMPTY).unwrap();
        let mut watch = Watch::default();
        watch.set([path]);
        Self {
            folder,
            watch,
            now: Instant::now(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whether there is an event after so much more time.
    fn look(&mut self, after: Duration) -> bool {
        self.now += after;
        self.watch.look(self.now).is_some()
    }

    /// Checks that what was done is one event, not before the file was left alone.
    fn check_one_event(&mut self) {
        assert!(!self.look(Duration::ZERO), "not yet quiet");
        assert!(self.look(QUIET));
        assert!(!self.look(QUIET), "told twice");
    }
}

/// `EMPTY` with a custom section of `length` bytes, its name among them.
fn module(length: u8) -> Vec<u8> {
    let mut bytes = EMPTY.to_vec();
    bytes.extend([0, length]);
    bytes.extend(vec![0; usize::from(length)]);
    bytes
}

#[test]
fn a_file_that_is_left_as_it_was_is_no_event() {
    let mut folder = Folder::new();
    assert!(!folder.look(Duration::ZERO) && !folder.look(GIVEN_UP));
}

#[test]
fn a_file_that_was_written_or_renamed_over_is_an_event_once_it_is_left_alone() {
    let mut folder = Folder::new();
    fs::write(folder.path("plugin.wasm"), module(3)).unwrap();
    folder.check_one_event();
    fs::write(folder.path("new.wasm"), module(4)).unwrap();
    fs::rename(folder.path("new.wasm"), folder.path("plugin.wasm")).unwrap();
    folder.check_one_event();
}

#[test]
fn a_file_that_is_still_being_written_is_none() {
    let mut folder = Folder::new();
    let whole = module(100);
    for end in [9, 40, 80] {
        fs::write(folder.path("plugin.wasm"), &whole[..end]).unwrap();
        assert!(!folder.look(QUIET / 2));
    }
    assert!(!folder.look(QUIET), "its last section is cut short");
    fs::write(folder.path("plugin.wasm"), &whole).unwrap();
    folder.check_one_event();
}

#[test]
fn a_file_that_stays_cut_short_is_an_event_in_the_end() {
    let mut folder = Folder::new();
    fs::write(folder.path("plugin.wasm"), &module(100)[..40]).unwrap();
    assert!(!folder.look(Duration::ZERO) && !folder.look(QUIET));
    assert!(folder.look(GIVEN_UP));
}

#[test]
fn a_link_that_was_turned_is_an_event_as_in_a_mounted_config_map() {
    let mut folder = Folder::new();
    for (version, length) in [("..1", 3), ("..2", 3)] {
        fs::create_dir(folder.path(version)).unwrap();
        fs::write(folder.path(version).join("x.wasm"), module(length)).unwrap();
    }
    symlink("..1", folder.path("..data")).unwrap();
    symlink("..data/x.wasm", folder.path("x.wasm")).unwrap();
    let path = folder.path("x.wasm");
    folder.watch.set([path]);
    assert!(!folder.look(GIVEN_UP));
    symlink("..2", folder.path("..new")).unwrap();
    fs::rename(folder.path("..new"), folder.path("..data")).unwrap();
    folder.check_one_event();
}

#[test]
fn a_file_that_is_away_for_a_while_is_an_event_when_it_is_back() {
    let mut folder = Folder::new();
    fs::remove_file(folder.path("plugin.wasm")).unwrap();
    assert!(!folder.look(GIVEN_UP));
    fs::write(folder.path("plugin.wasm"), module(1)).unwrap();
    folder.check_one_event();
}

#[test]
fn a_signature_that_comes_or_changes_is_an_event_of_its_file() {
    let mut folder = Folder::new();
    for signature in ["one", "another"] {
        fs::write(folder.path("plugin.wasm.minisig"), signature).unwrap();
        folder.check_one_event();
    }
    fs::remove_file(folder.path("plugin.wasm.minisig")).unwrap();
    assert!(!folder.look(GIVEN_UP), "what is gone is nothing new");
}

#[test]
fn a_file_and_its_signature_are_one_event_once_both_are_left_alone() {
    let mut folder = Folder::new();
    fs::write(folder.path("plugin.wasm"), module(3)).unwrap();
    assert!(!folder.look(Duration::ZERO));
    File::create(folder.path("plugin.wasm.minisig")).unwrap();
    assert!(!folder.look(QUIET), "it is still being signed");
    assert!(!folder.look(QUIET), "there is nothing in the signature");
    fs::write(folder.path("plugin.wasm.minisig"), "one").unwrap();
    folder.check_one_event();
}

#[test]
fn a_file_is_looked_at_however_large_it_is() {
    let mut folder = Folder::new();
    let file = File::create(folder.path("plugin.wasm")).unwrap();
    file.write_all_at(EMPTY, 0).unwrap();
    // A tebibyte, of which the disk has what is not zero.
    for section in 0..256 {
        let at = EMPTY.len() as u64 + section * (6 + (1 << 32) - 1);
        let largest = [0, 0xff, 0xff, 0xff, 0xff, 0x0f];
        file.write_all_at(&largest, at).unwrap();
        file.set_len(at + 6 + (1 << 32) - 1).unwrap();
    }
    folder.check_one_event();
}

#[test]
fn a_file_of_more_sections_than_are_looked_at_is_left_to_the_compiler() {
    let mut folder = Folder::new();
    let mut bytes = EMPTY.to_vec();
    bytes.extend([0; 2 * (SECTIONS_MAX + 1)]);
    bytes.push(0);
    fs::write(folder.path("plugin.wasm"), bytes).unwrap();
    folder.check_one_event();
}
