//! Screens that are kept, and compared by what does not change from one run to the next.

use std::env;
use std::fs;
use std::sync::{Mutex, PoisonError};

use tamis_tests::place::root;

/// Tests of this program run beside each other.
static WRITES: Mutex<()> = Mutex::new(());

/// The page that shows them all.
const PAGE: &str = "docs/terminal.md";

/// Compares `screen` with what is kept under `name`. The topic of the test, which begins with that of the docs, is called as there.
pub(super) fn check(name: &str, screen: &str, topic: &str) {
    let file = root().join(format!("docs/screens/{name}.txt"));
    let page = root().join(PAGE);
    let _one_at_a_time = WRITES.lock().unwrap_or_else(PoisonError::into_inner);
    let screen = as_in_docs(screen, topic);
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let told = fs::read_to_string(&page).unwrap();
    assert!(
        !kept.is_empty(),
        "{}: put the screen there and into {PAGE} first:\n{screen}",
        file.display()
    );
    if env::var_os("UPDATE_EXPECT").is_some_and(|it| it == "1") {
        fs::write(&page, told.replace(&kept, &screen)).unwrap();
        fs::write(&file, &screen).unwrap();
        return;
    }
    let (came, expected) = (normal(&screen), normal(&kept));
    assert_eq!(
        came, expected,
        "{name}: UPDATE_EXPECT=1 writes it anew; there stands:\n{screen}"
    );
    assert!(told.contains(&kept), "{PAGE} shows another {name}");
}

/// With the topic that people have. What stands behind it stays in its column where it is a column.
fn as_in_docs(screen: &str, topic: &str) -> String {
    let short = topic.rsplit_once('-').map_or(topic, |(short, _)| short);
    let blank = " ".repeat(topic.len() - short.len());
    let mut lines = String::new();
    for line in screen.trim_end().lines() {
        let line = match line.strip_prefix(topic) {
            Some(rest) if is_row(rest) => {
                let at = rest.find(' ').unwrap_or_default();
                format!("{short}{}{blank}{}", &rest[..at], &rest[at..])
            }
            _ => line.replace(topic, short),
        };
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// Whether this stands behind the topic in a table of partitions, and not in front of an offset.
fn is_row(rest: &str) -> bool {
    let partition = rest.split(' ').next().unwrap_or_default();
    partition.matches('/').count() == 1
}

/// Without numbers, digests and the blanks that make columns.
fn normal(screen: &str) -> Vec<String> {
    let lines = screen.lines().map(|line| {
        let words = line.split_whitespace().filter(|word| !is_unit(word));
        words.map(word).collect::<Vec<_>>().join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect()
}

/// Whether it is the unit of the bytes in front of it.
fn is_unit(word: &str) -> bool {
    matches!(word, "B" | "KiB" | "MiB" | "GiB")
}

/// Each row of digits is `#`, with the unit that stands behind it; the digest of a version is left out.
fn word(word: &str) -> String {
    if word == "-" || word.trim_start_matches('<').parse::<f64>().is_ok() {
        return "#".to_owned();
    }
    let word = word.split_once('+').map_or(word, |(version, _)| version);
    let mut normal = String::new();
    for char in word.chars() {
        let is_number = char.is_ascii_digit() || (char == '.' && normal.ends_with('#'));
        let is_unit = matches!(char, 'k' | 'K' | 'M' | 'G') && normal.ends_with('#');
        if is_unit || (is_number && normal.ends_with('#')) {
            continue;
        }
        normal.push(if is_number { '#' } else { char });
    }
    normal
}
