use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;
use crate::engine;

struct Place {
    folder: TempDir,
    cache: Cache,
    engine: wasmtime::Engine,
    key: Key,
}

/// A cache with one component in it.
fn place() -> Place {
    let folder = TempDir::new().unwrap();
    let cache = Cache::open(&folder.path().join("a/b")).unwrap();
    let engine = wasmtime::Engine::new(&engine::config()).unwrap();
    let component = wat::parse_str("(component)").unwrap();
    let key = Key::new(&engine, &component);
    assert!(cache.get(&engine, &key).is_none());
    let code = engine.precompile_component(&component).unwrap();
    cache.put(&key, &code).unwrap();
    assert!(cache.get(&engine, &key).is_some());
    Place {
        folder,
        cache,
        engine,
        key,
    }
}

impl Place {
    fn path(&self) -> PathBuf {
        self.cache.path(&self.key)
    }

    /// That its file is passed over, and why.
    fn check(&self, expected: &str) {
        assert!(self.cache.get(&self.engine, &self.key).is_none());
        let error = read(&self.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{} {expected}", self.path().display()));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn what_is_kept_is_closed_to_others() {
    let place = place();
    assert_eq!(mode(&place.cache.folder), 0o700);
    assert_eq!(mode(&place.path()), 0o600);
    // And there is nothing else.
    assert_eq!(fs::read_dir(&place.cache.folder).unwrap().count(), 1);
}

#[test]
fn a_file_that_was_altered_or_cut_short_anywhere_is_passed_over() {
    let place = place();
    let sound = fs::read(place.path()).unwrap();
    for at in (0..sound.len()).step_by(97) {
        let mut altered = sound.clone();
        altered[at] ^= 1;
        for content in [&altered[..], &sound[..at]] {
            fs::write(place.path(), content).unwrap();
            place.check("is broken");
        }
    }
}

#[test]
fn whole_code_for_something_else_is_passed_over() {
    let place = place();
    let path = place.path();
    place
        .cache
        .put(&place.key, b"code of another world")
        .unwrap();
    assert!(read(&path).unwrap().is_some());
    assert!(place.cache.get(&place.engine, &place.key).is_none());
}

#[test]
fn a_file_that_others_can_write_is_passed_over() {
    let place = place();
    fs::set_permissions(place.path(), Permissions::from_mode(0o620)).unwrap();
    place.check("has the mode 620, and must be closed to all but its owner");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_passed_over() {
    let place = place();
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    place.check("is not what it should be: no folder, no file");
}

#[test]
fn a_folder_that_is_not_closed_is_not_used() {
    let place = place();
    let open = place.folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o770)).unwrap();
    let error = Cache::open(&open).unwrap_err();
    assert!(matches!(error, CacheError::Open(_, 0o770)), "{error}");

    let link = place.folder.path().join("link");
    symlink(&place.cache.folder, &link).unwrap();
    let error = Cache::open(&link).unwrap_err();
    assert!(matches!(error, CacheError::Kind(_)), "{error}");
}

#[test]
fn the_key_follows_from_the_file_and_from_the_settings() {
    let engine = |fuel: bool| {
        let mut config = engine::config();
        config.consume_fuel(fuel);
        wasmtime::Engine::new(&config).unwrap()
    };
    let key = |engine: &wasmtime::Engine, bytes: &[u8]| Key::new(engine, bytes).0;
    let usual = key(&engine(false), b"a");
    assert_eq!(key(&engine(false), b"a"), usual);
    assert_ne!(key(&engine(false), b"b"), usual);
    assert_ne!(key(&engine(true), b"a"), usual);
}

#[test]
fn the_oldest_files_make_room_and_what_is_not_of_the_cache_stays() {
    let place = place();
    let (foreign, folder) = (
        place.cache.folder.join("notes"),
        place.cache.folder.join("a.tamis"),
    );
    fs::write(&foreign, "mine").unwrap();
    fs::create_dir(&folder).unwrap();
    let files = [place.path(), foreign.clone()].map(|path| File::options().write(true).open(path));
    for file in files {
        file.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    for number in 0..FILES_MAX + 3 {
        let key = Key::new(&place.engine, &number.to_le_bytes());
        place.cache.put(&key, b"code").unwrap();
    }
    let count = fs::read_dir(&place.cache.folder).unwrap().count();
    assert_eq!(count, FILES_MAX + 2);
    assert!(!place.path().exists() && foreign.exists());
}
