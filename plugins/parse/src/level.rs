//! Levels as programs write them.

const LEVELS: [(&str, &str); 9] = [
    ("info", "info"),
    ("debug", "debug"),
    ("warn", "warn"),
    ("error", "error"),
    ("trace", "trace"),
    ("fatal", "fatal"),
    ("warning", "warn"),
    ("panic", "panic"),
    ("dpanic", "dpanic"),
];

/// The level that `word` is, in lower case.
pub(super) fn level(word: &str) -> Option<&'static str> {
    let known = LEVELS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    known.map(|(_, level)| *level)
}
