//! A strict reader of the text that Prometheus reads (format 0.0.4): whatever is not in the form is a failure of the test.

use std::collections::{BTreeMap, BTreeSet};

/// All samples of one text.
#[derive(Debug, Default)]
pub struct Metrics {
    samples: Vec<Sample>,
}

/// One line that has a number.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What the lines in front of the samples of a family say.
#[derive(Debug)]
struct Family {
    name: String,
    kind: String,
}

impl Metrics {
    /// Reads `text`.
    ///
    /// # Panics
    /// Where a line is not in the form, a family stands twice or without its help and type, a sample stands twice, a counter is
    /// negative or ends in another way than a counter, or a histogram does not add up.
    #[must_use]
    pub fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has an end");
        let (mut all, mut families) = (Self::default(), Vec::<Family>::new());
        let mut help: Option<&str> = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert!(!words.is_empty() && help.is_none(), "{line}");
                help = Some(name);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert_eq!(help.take(), Some(name), "help comes right before: {line}");
                assert!(
                    !families.iter().any(|it| it.name == name),
                    "it stands twice: {line}"
                );
                assert!(is_name(name) && name.starts_with("tamis_"), "{line}");
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                families.push(Family {
                    name: name.to_owned(),
                    kind: kind.to_owned(),
                });
            } else {
                let sample = sample(line);
                let family = families.last().expect("a family comes first");
                check(family, &sample, line);
                let is_it = |it: &&Sample| it.name == sample.name && it.labels == sample.labels;
                assert!(!all.samples.iter().any(|it| is_it(&it)), "twice: {line}");
                all.samples.push(sample);
            }
        }
        assert_eq!(help, None, "a type follows");
        for family in families.iter().filter(|it| it.kind == "histogram") {
            all.check_histogram(&family.name);
        }
        all
    }

    /// The sum of all samples with this name that have these labels.
    ///
    /// # Panics
    /// Where there are none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found: Vec<_> = self.found(name, labels).collect();
        assert!(!found.is_empty(), "there is no {name} with {labels:?}");
        found.iter().map(|it| it.value).sum()
    }

    /// How many samples there are with this name that have these labels.
    #[must_use]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> usize {
        self.found(name, labels).count()
    }

    /// All names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|it| &*it.name).collect()
    }

    fn found(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Sample> {
        let has = move |it: &&Sample| {
            let mut labels = labels.iter();
            labels.all(|(label, value)| it.labels.get(*label).is_some_and(|has| has == value))
        };
        self.samples
            .iter()
            .filter(move |it| it.name == name)
            .filter(has)
    }

    fn check_histogram(&self, family: &str) {
        let part = |suffix: &str| {
            let name = format!("{family}{suffix}");
            let found = self.samples.iter().filter(move |it| it.name == name);
            found.cloned().collect::<Vec<_>>()
        };
        let (buckets, counts, sums) = (part("_bucket"), part("_count"), part("_sum"));
        assert_eq!(counts.len(), sums.len(), "{family}");
        for count in &counts {
            assert!(sums.iter().any(|it| it.labels == count.labels), "{count:?}");
            let of_it = buckets.iter().filter(|it| {
                let mut labels = it.labels.clone();
                labels.remove("le").expect("a bucket has an end");
                labels == count.labels
            });
            let (mut last, mut before) = (f64::NEG_INFINITY, 0.0);
            for bucket in of_it {
                let end = &bucket.labels["le"];
                let end = match &**end {
                    "+Inf" => f64::INFINITY,
                    end => end.parse().expect("an end is a number"),
                };
                assert!(end > last && bucket.value >= before, "{bucket:?}");
                (last, before) = (end, bucket.value);
            }
            assert_eq!((last, before), (f64::INFINITY, count.value), "{count:?}");
        }
    }
}

fn check(family: &Family, sample: &Sample, line: &str) {
    let Family { name, kind } = family;
    let suffix = sample
        .name
        .strip_prefix(&**name)
        .unwrap_or_else(|| panic!("it is of another family than {name}: {line}"));
    let suffixes: &[&str] = match &**kind {
        "histogram" => &["_bucket", "_count", "_sum"],
        _ => &[""],
    };
    assert!(suffixes.contains(&suffix), "{line}");
    assert!(kind == "gauge" || sample.value >= 0.0, "{line}");
}

fn sample(line: &str) -> Sample {
    let at = line
        .find(['{', ' '])
        .unwrap_or_else(|| panic!("no value: {line}"));
    let (name, rest) = line.split_at(at);
    assert!(is_name(name), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (BTreeMap::new(), rest),
    };
    let value = value
        .strip_prefix(' ')
        .unwrap_or_else(|| panic!("one space comes before the value: {line}"));
    let value: f64 = value
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(value.is_finite(), "{line}");
    Sample {
        name: name.to_owned(),
        labels,
        value,
    }
}

/// The labels that `text` begins with, and what is behind them.
fn labels<'a>(mut text: &'a str, line: &str) -> (BTreeMap<String, String>, &'a str) {
    let mut all = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(name) && !name.contains(':'), "{line}");
        let (value, rest) = value(rest, line);
        assert_eq!(all.insert(name.to_owned(), value), None, "twice: {line}");
        text = match rest.strip_prefix(',') {
            Some(next) => next,
            None => {
                let rest = rest.strip_prefix('}');
                return (all, rest.unwrap_or_else(|| panic!("{line}")));
            }
        };
    }
}

/// The value of a label that `text` begins with, and what is behind its quote.
fn value<'a>(text: &'a str, line: &str) -> (String, &'a str) {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, escaped @ ('"' | '\\'))) => escaped,
                other => panic!("{other:?} is escaped: {line}"),
            }),
            other => value.push(other),
        }
    }
    panic!("a value has no end: {line}");
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    let mut bytes = name.bytes();
    bytes.next().is_some_and(is_letter)
        && bytes.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}
