//! What others say, without the secrets that were given to them: whoever reads logs is not whom they were meant for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Shorter ones are no secrets, and to hide them would make words unreadable.
const BYTES_MIN: usize = 4;

/// Secrets that are not to be read in the words of others.
#[derive(Clone, Default)]
pub struct Mask(Arc<[String]>);

impl Mask {
    /// One for `secrets`, as they are and as an error quotes them.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = secrets.into_iter().collect();
        let quoted = all.iter().map(|it| format!("{it:?}"));
        let quoted: Vec<_> = quoted.map(|it| it[1..it.len() - 1].to_owned()).collect();
        all.extend(quoted);
        all.retain(|it| it.len() >= BYTES_MIN);
        all.sort();
        all.dedup();
        Self(all.into())
    }

    /// `words`, with `***` in the place of each secret in them; of those that overlap, in the place of all.
    #[must_use]
    pub fn hide(&self, words: String) -> String {
        let of = |secret: &String| -> Vec<Range<usize>> {
            let found = words.match_indices(secret.as_str());
            found.map(|(at, it)| at..at + it.len()).collect()
        };
        let mut found: Vec<_> = self.0.iter().flat_map(of).collect();
        if found.is_empty() {
            return words;
        }
        found.sort_by_key(|it| it.start);
        let (mut hidden, mut end) = (String::new(), 0);
        for range in found {
            if hidden.is_empty() || range.start >= end {
                hidden.push_str(&words[end..range.start]);
                hidden.push_str("***");
            }
            end = end.max(range.end);
        }
        hidden + &words[end..]
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], words: &str, expected: &str) {
        let mask = Mask::new(secrets.iter().map(|it| (*it).to_owned()));
        assert_eq!(mask.hide(words.to_owned()), expected);
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_is_said() {
        check(&["sesame"], "sesame, open sesame", "***, open ***");
        check(&["sesame", "open"], "sesameopen, 日opens", "******, 日***s");
        check(&["sesame"], "nothing is said", "nothing is said");
        check(&[], "sesame", "sesame");
    }

    #[test]
    fn a_secret_that_holds_another_or_overlaps_it_leaves_nothing() {
        check(&["sesame", "sesame4711"], "is sesame4711!", "is ***!");
        check(&["sesame4711", "4711"], "is sesame4711!", "is ***!");
        check(&["abcdef", "efghij"], "(abcdefghij)", "(***)");
    }

    #[test]
    fn a_secret_is_hidden_as_an_error_quotes_it() {
        let secret = "it's se\"sa\\me\n";
        let words = format!("invalid type: string {secret:?}, expected u8");
        check(
            &[secret],
            &words,
            "invalid type: string \"***\", expected u8",
        );
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left() {
        check(&["a", "no"], "a sound no", "a sound no");
    }
}
