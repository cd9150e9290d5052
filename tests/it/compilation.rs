//! Plugins are compiled in a process with limits, and once.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Ended, output, run, tamis};

/// A start with the four plugins of [`pipeline`].
#[derive(Debug)]
struct Start {
    /// How many were not compiled.
    cached: u64,
    said: String,
}

/// A pipeline with four plugins that differ, and one record for them.
fn pipeline(place: &Place) -> PathBuf {
    let root = root().display();
    let (out, dead) = (place.out(), place.dead());
    let input = place.write("one.log", "{\"Type\":\"info\"}\n");
    let text = format!(
        r#"pipeline: four
source: {{ file: {{ paths: "{}" }} }}
plugins:
  - {{ name: level, path: {root}/plugins/level-filter/level-filter.wasm, settings: {{ minimum: info }} }}
  - {{ name: enrich, path: {root}/plugins/enrich/enrich.wasm, settings: {{ set: {{ env: prod }} }} }}
  - {{ name: keep, path: {root}/target/hostile/hostile.wasm }}
  - {{ name: clock, path: {root}/target/hostile/clock.wasm, grants: [clock] }}
sinks: {{ archive: {{ file: {{ url: "file://{}", path: all, format: ndjson }} }} }}
dead_letters: {{ folder: {{ path: {} }} }}
limits: {{ lanes: 2 }}
"#,
        input.display(),
        out.display(),
        dead.display()
    );
    place.write("four.yaml", text)
}

fn start(pipeline: &Path, cache: &Path) -> Start {
    let ended = output(run(pipeline).env("TAMIS_PLUGIN_CACHE", cache));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.stderr;
    let ready = said.lines().find(|line| line.contains("plugins are ready"));
    let number = |name: &str| {
        let field =
            ready.and_then(|line| line.split_whitespace().find_map(|it| it.strip_prefix(name)));
        field
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{name}: {said}"))
    };
    assert_eq!(number("plugins="), 4, "{said}");
    Start {
        cached: number("cached="),
        said,
    }
}

#[test]
fn the_second_start_compiles_nothing() {
    let place = Place::default();
    let (pipeline, cache) = (pipeline(&place), place.path("cache"));
    let cold = start(&pipeline, &cache);
    assert_eq!(cold.cached, 0, "{}", cold.said);
    let warm = start(&pipeline, &cache);
    assert_eq!(warm.cached, 4, "{}", warm.said);
    // Not caught, so that whoever reads the results sees what a start takes.
    writeln!(io::stderr(), "{}\n{}", cold.said, warm.said).unwrap();
}

#[test]
fn what_cannot_be_trusted_in_the_cache_is_said_and_compiled_anew() {
    let place = Place::default();
    let (pipeline, cache) = (pipeline(&place), place.path("cache"));
    start(&pipeline, &cache);
    let mut files = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (broken, open) = (files.next().unwrap(), files.next().unwrap());
    let mut content = fs::read(&broken).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&broken, content).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o666)).unwrap();

    let second = start(&pipeline, &cache);
    assert_eq!(second.cached, 2, "{}", second.said);
    for (path, why) in [(&broken, "is broken"), (&open, "has the mode 666")] {
        let words = format!("{} {why}", path.display());
        assert!(second.said.contains(&words), "{words}: {}", second.said);
    }
    // Both have been written anew.
    let third = start(&pipeline, &cache);
    assert_eq!(third.cached, 4, "{}", third.said);
    assert!(!third.said.contains("passed over"), "{}", third.said);
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    let place = Place::default();
    let (pipeline, cache) = (pipeline(&place), place.path("cache"));
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();
    for _ in 0..2 {
        let start = start(&pipeline, &cache);
        assert_eq!(start.cached, 0, "{}", start.said);
        let words = format!("{} has the mode 777", cache.display());
        assert!(start.said.contains(&words), "{}", start.said);
    }
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
}

/// Looks at a plugin of so many functions of so many bytes, within `limit`.
fn inspect(functions: usize, bytes: usize, limit: &str) -> Ended {
    let place = Place::default();
    let plugin = place.write("bomb.wasm", bomb(functions, bytes));
    let mut inspect = tamis(["plugin", "inspect", limit, "--plugin-cache=off"]);
    let ended = output(inspect.arg(&plugin));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    ended
}

#[test]
fn a_plugin_that_takes_minutes_to_compile_is_refused() {
    let ended = inspect(4_000, 7_000, "--compile-cpu-s=1");
    let words = "bomb.wasm cannot be compiled within 1 s on the processor; make it smaller";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_plugin_that_takes_much_memory_to_compile_is_refused() {
    let ended = inspect(1, 7_000_000, "--compile-memory-mib=128");
    let words = "bomb.wasm cannot be compiled within 128 MiB of memory; make it smaller";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

/// A component with one module, all of whose functions add up ones.
fn bomb(functions: usize, bytes: usize) -> Vec<u8> {
    const ADD: [u8; 7] = [0x20, 0, 0x41, 1, 0x6A, 0x21, 0];
    let no_locals = 0;
    let mut body = vec![no_locals];
    body.extend(ADD.repeat(bytes / ADD.len()));
    body.push(0x0B);
    let body = [number(body.len()), body].concat();
    let one_type = [1, 0x60, 1, 0x7F, 0];
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &one_type),
        section(3, &[number(functions), vec![0; functions]].concat()),
        section(10, &[number(functions), body.repeat(functions)].concat()),
    ];
    [b"\0asm\x0D\0\x01\0".to_vec(), section(1, &module.concat())].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], number(content.len()), content.to_vec()].concat()
}

/// Seven bits a byte, the lowest first.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7F).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
