//! The short form of fuzzing, which the tests run: the seeds of a target and what comes of changing them, the same each time.
//!
//! It looks at no coverage, so it finds what is easy to find again; `make fuzz` looks for the rest.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// Bytes that mean something in JSON, YAML or the metadata of a commit, and some that must not be there.
const BYTES: &[u8] = b"{}[]\",:\\/ \t\n\r\0\x1f'#-+.&*|>!%@$?~=0129eEntf\x7f\x80\xc3\xa9\xff";

/// Hands each seed of `target` to `check`, then `count` texts that come of changing them.
///
/// # Panics
/// Where `check` does, having shown the text; or where there are no seeds.
pub fn run(target: &str, count: u32, check: impl Fn(&[u8])) {
    let seeds = seeds(target);
    let tell = |bytes: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(bytes))) {
            eprintln!("{target} fails on {:?}", bytes.escape_ascii().to_string());
            resume_unwind(panic);
        }
    };
    for seed in &seeds {
        tell(seed);
    }
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..count {
        let mut bytes = pick(&mut random, &seeds).clone();
        for _ in 0..random.u8(1..=4) {
            let other = pick(&mut random, &seeds);
            change(&mut random, &mut bytes, other);
        }
        tell(&bytes);
    }
}

/// The seeds of `target`, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../seeds")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a folder can be read").path())
        .collect();
    paths.sort();
    let read = |path| fs::read(path).expect("a seed can be read");
    let seeds: Vec<_> = paths.iter().map(read).collect();
    assert!(!seeds.is_empty(), "{} has no seed", folder.display());
    seeds
}

fn pick<'a, T>(random: &mut fastrand::Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(..from.len())]
}

/// Changes `bytes` in one place; some of `other` may come in.
fn change(random: &mut fastrand::Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.usize(..=bytes.len());
    let end = bytes.len().min(at + random.usize(..=8));
    match random.u8(..6) {
        0 => bytes.insert(at, *pick(random, BYTES)),
        1 => bytes.insert(at, random.u8(..)),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let from = random.usize(..=other.len());
            let to = other.len().min(from + random.usize(..=32));
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_same_texts_come_each_time_the_seeds_first() {
        let texts = || {
            let texts = RefCell::new(Vec::new());
            run("view", 100, |bytes| texts.borrow_mut().push(bytes.to_vec()));
            texts.into_inner()
        };
        let (once, seeds) = (texts(), seeds("view"));
        assert_eq!(once, texts());
        assert!(once.starts_with(&seeds));
        let others = once.iter().filter(|text| !seeds.contains(text)).count();
        assert!(others > 80, "{others} of 100 are none of the seeds");
    }
}
