//! The usual records made different in one way each, to see what the cost of looking into them depends on.

use anyhow::{Context, Result};
use fastrand::Rng;
use serde_json::{Map, Value};

/// Bytes that the records of one variant have together: enough for a steady figure, little enough for many variants.
const BYTES: usize = 24 << 20;
const CHINESE: [&str; 6] = [
    "用户登录成功",
    "支付网关超时",
    "缓存未命中",
    "订单已取消",
    "库存不足",
    "会话过期",
];
const ESCAPED: [&str; 6] = [
    "\"quoted\"",
    "C:\\temp",
    "line\nline",
    "\ttab",
    "\u{1}",
    "\u{8}\u{c}",
];

/// A name, and records.
pub(crate) type Variant = (&'static str, Vec<Vec<u8>>);

type Change = fn(Map<String, Value>, &mut Rng) -> Map<String, Value>;

const CHANGES: [(&str, Change); 10] = [
    ("field_order", |record, rng| {
        let mut members: Vec<_> = record.into_iter().collect();
        rng.shuffle(&mut members);
        members.into_iter().collect()
    }),
    ("chinese", |record, rng| words(record, rng, &CHINESE)),
    ("escapes", |record, rng| words(record, rng, &ESCAPED)),
    ("bytes_200", |record, _| sized(record, 200)),
    ("bytes_1k", |record, _| sized(record, 1_000)),
    ("bytes_4k", |record, _| sized(record, 4_000)),
    ("bytes_20k", |record, _| sized(record, 20_000)),
    ("fields_1", |record, _| fields(record, 1)),
    ("fields_20", |record, _| fields(record, 20)),
    ("fields_200", |record, _| fields(record, 200)),
];

/// Each variant of `usual` under its name.
pub(crate) fn variants(usual: &[Vec<u8>]) -> Result<Vec<Variant>> {
    CHANGES
        .iter()
        .map(|(name, change)| Ok((*name, changed(usual, *change)?)))
        .collect()
}

fn changed(usual: &[Vec<u8>], change: Change) -> Result<Vec<Vec<u8>>> {
    let mut rng = Rng::with_seed(42);
    let (mut records, mut bytes) = (Vec::new(), 0);
    for record in usual {
        let record = change(serde_json::from_slice(record)?, &mut rng);
        let record = serde_json::to_vec(&record)?;
        bytes += record.len();
        if bytes > BYTES {
            break;
        }
        records.push(record);
    }
    records.first().context("there are records")?;
    Ok(records)
}

/// With three words in ten replaced by others.
fn words(mut record: Map<String, Value>, rng: &mut Rng, others: &[&str]) -> Map<String, Value> {
    let words = message(&record).split(' ').map(|word| match rng.u8(..10) {
        0..3 => rng.choice(others).copied().unwrap_or(word),
        _ => word,
    });
    let words: Vec<_> = words.collect();
    let changed = words.join(" ");
    record.insert("Msg".to_owned(), changed.into());
    record
}

/// With a message that is so long that the record has about `bytes`.
fn sized(mut record: Map<String, Value>, bytes: usize) -> Map<String, Value> {
    let usual = message(&record).to_owned();
    let others: usize = Value::Object(record.clone()).to_string().len() - usual.len();
    let length = bytes.saturating_sub(others);
    let message: String = usual.chars().chain([' ']).cycle().take(length).collect();
    record.insert("Msg".to_owned(), message.into());
    record
}

/// With so many members at the top level, those of the record first. The one that is always there says the level.
fn fields(mut record: Map<String, Value>, count: usize) -> Map<String, Value> {
    if count < record.len() {
        let names: Vec<_> = record
            .keys()
            .filter(|name| *name != "Type")
            .cloned()
            .collect();
        for name in names.iter().take(record.len() - count) {
            record.remove(name);
        }
    }
    for number in record.len()..count {
        record.insert(format!("field_{number}"), number.into());
    }
    record
}

fn message(record: &Map<String, Value>) -> &str {
    record
        .get("Msg")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
