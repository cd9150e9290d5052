//! Makes records that no one would send on purpose.

use fastrand::Rng;
use serde_json::Value;
use tamis_core::headers;
use tamis_host::Wants;

use crate::plugin::records::Record;

/// Longer records only take longer.
const BYTES_MAX: usize = 64 << 10;
/// Changes of one record; it begins as an example.
const CHANGES_MAX: usize = 6;

/// To begin with, beside what the author has.
const EXAMPLES: [&[u8]; 14] = [
    r#"{"Type":"error","Action":"登录","Time":"2023-01-18 12:00:00","Msg":"会话已过期","Field":{"user_id":1,"tags":["a",null]},"FuncName":"auth.Login"}"#.as_bytes(),
    br#"{"level":"INFO","ts":1674000000.123,"caller":"a/b.go:1","msg":"text","nested":{"a":{"b":{"c":[1,2,{"d":true}]}}}}"#,
    br#"{"a":1,"a":2,"\u0061":3,"":4,"a/b":5,"~":6}"#,
    br#"{"numbers":[0,-0,1e308,1e999,-1E-999,18446744073709551615,9223372036854775808,0.1]}"#,
    br#"{"text":"\ud83d\ude00\ud800\u0000\"\\\/\b\f\n\r\t"}"#,
    b"{}",
    b"[]",
    b"\"\"",
    b"null",
    b"0",
    b"",
    b" \t\r {\"a\" : 1 } ",
    b"2023-01-18T12:00:00Z ERROR main.rs:1 text k=v",
    b"{\"bytes\":\"\xff\xfe\xc0\x80\xed\xa0\x80\"}",
];

/// What is put into records.
const WORDS: [&[u8]; 25] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"\"\"",
    b"{}",
    b"[]",
    b"1e999",
    b"18446744073709551616",
    b"\"\\ud800\"",
    b"\\u0000",
    b"\xff",
    b"\0",
    b"\n",
    "é".as_bytes(),
    "💥".as_bytes(),
    b"9999-12-31T23:59:60.999999999+99:99",
];

/// Times that a record of the world can have, and the ends of what can be written.
const TIMES: [i64; 5] = [
    0,
    -1_000,
    1_674_000_000_123,
    -62_135_596_800_000,
    253_402_207_200_000,
];

/// Makes one record after the other; the same ones of the same seed.
pub(super) struct Mutator {
    random: Rng,
    examples: Vec<Record>,
    words: Vec<Vec<u8>>,
    wants: Wants,
}

impl Mutator {
    /// One that begins with `examples`, knows the words in `settings`, and gives what the plugin wants to know.
    pub(super) fn new(
        seed: u64,
        mut examples: Vec<Record>,
        settings: &Value,
        wants: Wants,
    ) -> Self {
        examples.extend(EXAMPLES.map(|value| Record::of(value.to_vec())));
        let mut words = Vec::from(WORDS.map(<[u8]>::to_vec));
        words_of(settings, &mut words);
        Self {
            random: Rng::with_seed(seed),
            examples,
            words,
            wants,
        }
    }

    pub(super) fn record(&mut self) -> Record {
        let mut record = self.example();
        let changes = self.random.usize(0..=CHANGES_MAX);
        if let Some(value) = &mut record.value {
            for _ in 0..changes {
                let other = self
                    .random
                    .choice(&self.examples)
                    .and_then(|it| it.value.clone());
                change(
                    &mut self.random,
                    value,
                    &self.words,
                    &other.unwrap_or_default(),
                );
                value.truncate(BYTES_MAX);
            }
        }
        if self.random.u8(..) < 4 {
            record.value = None;
        }
        if self.wants.key && self.random.bool() {
            record.key = Some(self.bytes());
        }
        if self.wants.headers {
            for _ in 0..self.random.usize(0..4) {
                let name = String::from_utf8_lossy(&self.bytes()).into_owned();
                let value = self.random.bool().then(|| self.bytes());
                headers::push(&mut record.headers, &name, value.as_deref());
            }
        }
        if self.wants.timestamp && self.random.bool() {
            record.timestamp_ms = self.random.choice(TIMES);
        }
        record
    }

    fn example(&mut self) -> Record {
        let example = self.random.choice(&self.examples);
        example.cloned().expect("there are examples")
    }

    /// For a key or a header.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = self.random.choice(&self.words).cloned().unwrap_or_default();
        for _ in 0..self.random.usize(0..3) {
            change(&mut self.random, &mut bytes, &self.words, b"text");
        }
        bytes
    }
}

/// Changes one thing. `other` is something to take from.
fn change(random: &mut Rng, bytes: &mut Vec<u8>, words: &[Vec<u8>], other: &[u8]) {
    let at = random.usize(0..=bytes.len());
    let end = random.usize(at..=bytes.len().min(at + 64));
    match random.u8(0..9) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.u8(0..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => {
            let again = bytes[at..end].to_vec();
            let times = 1 << random.u8(0..10);
            bytes.splice(at..at, again.repeat(times));
        }
        5 => {
            let from = random.usize(0..=other.len());
            bytes.splice(at.., other[from..].iter().copied());
        }
        6 => {
            let value = value_at(bytes, at);
            bytes.splice(value, word(random, words));
        }
        7 => {
            let (open, close) = *random
                .choice(&[(b"[", b"]"), (b"{", b"}")])
                .expect("one of two");
            let deep = 1 << random.u8(0..10);
            bytes.splice(at..at, [open.repeat(deep), close.repeat(deep)].concat());
        }
        _ => {
            bytes.splice(at..at, word(random, words));
        }
    }
}

fn word(random: &mut Rng, words: &[Vec<u8>]) -> Vec<u8> {
    random.choice(words).cloned().unwrap_or_default()
}

/// About what stands as a value in JSON at or behind `at`: from a colon to the next comma or bracket.
fn value_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let colon = bytes[at..].iter().position(|byte| *byte == b':');
    let start = colon.map_or(at, |colon| at + colon + 1);
    let rest = bytes[start..].iter().position(|byte| b",}]".contains(byte));
    start..rest.map_or(bytes.len(), |rest| start + rest)
}

/// The texts in settings, and the steps of those that are pointers: what the plugin looks for.
fn words_of(settings: &Value, words: &mut Vec<Vec<u8>>) {
    match settings {
        Value::String(text) => {
            words.extend(text.split('/').map(|step| step.as_bytes().to_vec()));
            words.push(settings.to_string().into_bytes());
        }
        Value::Array(items) => items.iter().for_each(|item| words_of(item, words)),
        Value::Object(fields) => {
            for (key, value) in fields {
                words_of(&Value::from(key.as_str()), words);
                words_of(value, words);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            words.push(settings.to_string().into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(seed: u64, wants: Wants) -> Vec<Record> {
        let settings = serde_json::json!({ "field": "/Type/名" });
        let mut mutator = Mutator::new(seed, Vec::new(), &settings, wants);
        (0..2_000).map(|_| mutator.record()).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_records() {
        assert_eq!(records(1, Wants::ALL), records(1, Wants::ALL));
        assert_ne!(records(1, Wants::ALL), records(2, Wants::ALL));
    }

    #[test]
    fn every_record_is_bounded_and_can_be_written_down() {
        for record in records(3, Wants::ALL) {
            assert!(
                record
                    .value
                    .as_ref()
                    .is_none_or(|value| value.len() <= BYTES_MAX)
            );
            assert!(headers::is_valid(&record.headers));
            let line = record.line(true);
            assert!(serde_json::from_slice::<Value>(&line).is_ok());
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_made() {
        for record in records(4, Wants::default()) {
            assert!(
                record.key.is_none() && record.headers.is_empty() && record.timestamp_ms.is_none()
            );
        }
    }

    #[test]
    fn words_of_the_settings_and_broken_bytes_come_up() {
        let all = records(5, Wants::default());
        let values: Vec<_> = all
            .iter()
            .filter_map(|record| record.value.as_deref())
            .collect();
        let has = |word: &[u8]| {
            values
                .iter()
                .any(|it| it.windows(word.len()).any(|part| part == word))
        };
        assert!(has("名".as_bytes()));
        assert!(
            values
                .iter()
                .any(|value| std::str::from_utf8(value).is_err())
        );
        assert!(
            values
                .iter()
                .any(|value| serde_json::from_slice::<Value>(value).is_err())
        );
        assert!(
            values
                .iter()
                .any(|value| serde_json::from_slice::<Value>(value).is_ok())
        );
        assert!(all.iter().any(|record| record.value.is_none()));
    }
}
