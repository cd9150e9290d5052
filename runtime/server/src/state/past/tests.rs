use super::*;
use crate::state::Trigger;

/// One entry for each word: `+a` promotes version a, `-b>a` takes b back to a, `?c` puts c on probation, `!c` refuses it, `x`
/// removes the plugin. The version of a letter is 1.0.0 and its number in the alphabet.
fn entries(words: &str) -> Vec<Entry> {
    let words = words.split_whitespace().zip(1..);
    let entry = |(word, at_ms): (&str, u64)| {
        let (event, rest) = match word.split_at(1) {
            ("+", rest) => (Event::Promoted, rest),
            ("-", rest) => (Event::RolledBack, rest),
            ("?", rest) => (Event::OnProbation, rest),
            ("!", rest) => (Event::Refused, rest),
            (_, rest) => (Event::Removed, rest),
        };
        let (sha256, from) = match rest.split_once('>') {
            Some((sha256, from)) => (sha256, Some(from.to_owned())),
            None => (rest, None),
        };
        let number = sha256.bytes().next().map_or(0, |letter| letter - b'a');
        Entry {
            version: Entry::FORM,
            at_ms,
            plugin: "mask".to_owned(),
            semver: format!("1.0.{number}"),
            sha256: sha256.to_owned(),
            event,
            from,
            by: Trigger::File,
            reason: None,
            steps: Vec::new(),
        }
    };
    words.map(entry).collect()
}

#[test]
fn what_runs_follows_from_promotions_and_what_was_taken_back() {
    let check = |words: &str, running: Option<&str>, before: Option<&str>| {
        let entries = entries(words);
        let past = Past::of(&entries, "mask");
        let found = [past.running(), past.before()].map(|it| it.map(|entry| &*entry.sha256));
        assert_eq!(found, [running, before], "{words}");
    };
    check("", None, None);
    check("!a", None, None);
    check("+a", Some("a"), None);
    check("+a +b", Some("b"), Some("a"));
    check("+a +b !c", Some("b"), Some("a"));
    check("+a ?b", Some("a"), None);
    check("+a ?b -b>a", Some("a"), None);
    check("+a ?b +b -b>a", Some("a"), None);
    check("+a +b +c -c>b", Some("b"), Some("a"));
    check("+a +b +c -c>b -b>a", Some("a"), None);
    check("+a +b -b>a +b", Some("b"), Some("a"));
    // At each start.
    check("+a +b +b +b", Some("b"), Some("a"));
    check("+a +b +a", Some("a"), Some("b"));
    // The same file under other settings, which it did not take.
    check("+a +b ?b -b>b", Some("b"), Some("a"));
    // Over more than one.
    check("+a +b +c -c>a", Some("a"), None);
    // To one that was taken back itself.
    check("+a +b -b>a +c -c>b", Some("b"), Some("a"));
    check("+a -b", Some("a"), None);
    check("+a +b x +c", Some("c"), None);
    check("+a x", None, None);
    let others = entries("+a +b");
    assert!(Past::of(&others, "level").running().is_none());
}

#[test]
fn what_runs_is_the_last_entry_that_promoted_it() {
    let entries = entries("+a +b ?b +b -b>a +a");
    let past = Past::of(&entries, "mask");
    assert_eq!(past.running().map(|entry| entry.at_ms), Some(6));
}

#[test]
fn the_newest_version_is_the_highest_that_was_promoted_be_it_taken_back() {
    let check = |versions: &[(&str, Event)], expected: Option<&str>| {
        let mut entries = entries(&"+a ".repeat(versions.len()));
        for (entry, (version, event)) in entries.iter_mut().zip(versions) {
            (entry.semver, entry.event) = ((*version).to_owned(), *event);
        }
        assert_eq!(newest(&entries, "mask"), expected, "{versions:?}");
    };
    let promoted = |version| (version, Event::Promoted);
    check(&[], None);
    check(
        &[promoted("1.9.0"), promoted("1.10.0"), promoted("1.2.0")],
        Some("1.10.0"),
    );
    check(&[promoted("1.0.0"), promoted("1.0.0-rc.1")], Some("1.0.0"));
    check(
        &[promoted("1.0.0"), ("2.0.0", Event::Refused)],
        Some("1.0.0"),
    );
    check(
        &[
            promoted("1.0.0"),
            promoted("2.0.0"),
            ("2.0.0", Event::RolledBack),
        ],
        Some("2.0.0"),
    );
    check(&[promoted("latest")], None);
    check(&[promoted("latest"), promoted("0.1.0")], Some("0.1.0"));
}

#[test]
fn the_files_of_the_last_versions_are_kept_and_those_of_what_runs() {
    let check = |words: &str, expected: &str| {
        let entries = entries(words);
        let found: Vec<_> = versions_to_keep(&entries).into_iter().collect();
        assert_eq!(found.join(" "), expected, "{words}");
    };
    let refused = |letters: std::ops::RangeInclusive<char>| {
        let words: Vec<_> = letters.map(|letter| format!("!{letter}")).collect();
        words.join(" ")
    };
    check("+a +b !c", "a b c");
    check(&refused('c'..='r'), "c d e f g h i j k l m n o p q r");
    check(&refused('a'..='r'), "c d e f g h i j k l m n o p q r");
    let running = format!("+a +b {}", refused('d'..='t'));
    check(&running, "a b e f g h i j k l m n o p q r s t");
}

#[test]
fn the_oldest_entries_go_but_not_those_that_what_runs_follows_from() {
    let check = |words: &str, most: usize, expected: &str| {
        let all = entries(words);
        let left = thinned(all.clone(), most);
        let expected: Vec<u64> = expected
            .split_whitespace()
            .map(|at| at.parse().unwrap())
            .collect();
        let found: Vec<u64> = left.iter().map(|entry| entry.at_ms).collect();
        assert_eq!(found, expected, "{words}");
        assert_eq!(
            Standing::of(&left, "mask"),
            Standing::of(&all, "mask"),
            "{words}"
        );
    };
    check("+a +b !c !d", 4, "1 2 3 4");
    check("!c +a +b !d !e", 3, "2 3 5");
    check("+a +b +c +d !e", 3, "3 4 5");
    check("+a ?b +b -b>a !f !f !f", 3, "1 3 4 7");
    // C was the newest, and must not run again for that.
    check("+a +b +c -c>b !f !f", 4, "1 2 3 4 6");
    // B was the newest, and must not run again either.
    check("+a +b x !c !d !e", 2, "2 3 6");
}
