//! What crosses the boundary, free of any version of the contract: one file beside this one for each version ever released.

pub(crate) mod v0_1;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// The JSON schema of its settings.
    pub settings_schema: String,
    /// What it wants to know of a record beside the value.
    pub wants: Wants,
}

/// Which metadata a plugin asks for; the rest is not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wants {
    /// The keys.
    pub key: bool,
    /// The headers.
    pub headers: bool,
    /// The times.
    pub timestamp: bool,
    /// Source, topic, partition, offsets and output numbers.
    pub position: bool,
}

impl Wants {
    /// All of it.
    pub const ALL: Self = Self {
        key: true,
        headers: true,
        timestamp: true,
        position: true,
    };

    /// Whether each is wanted, by the names and in the order of the contract.
    #[must_use]
    pub fn named(self) -> [(&'static str, bool); 4] {
        let Self {
            key,
            headers,
            timestamp,
            position,
        } = self;
        [
            ("key", key),
            ("headers", headers),
            ("timestamp", timestamp),
            ("position", position),
        ]
    }
}

/// A batch as a plugin gets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [u8],
    pub(crate) value_lengths: &'a [i32],
    pub(crate) keys: &'a [u8],
    pub(crate) key_lengths: &'a [i32],
    pub(crate) headers: &'a [u8],
    pub(crate) header_lengths: &'a [i32],
    pub(crate) timestamps: &'a [i64],
    pub(crate) source: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offsets: &'a [u64],
    pub(crate) numbers: &'a [u32],
}

/// What a plugin made of a batch. Nothing in it is to be trusted.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) fates: Vec<u8>,
    pub(crate) rows: Vec<i32>,
    pub(crate) timestamps: Vec<i64>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) words: Words,
}

/// What a plugin counted and logged over a batch.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) count_names: Vec<i32>,
    pub(crate) counts: Vec<u64>,
    pub(crate) logs: Vec<i32>,
    /// The names, then the lines.
    pub(crate) text: Vec<u8>,
}

/// A record stays as it is.
pub(crate) const KEEP: u8 = 0;
/// A record is filtered out.
pub(crate) const DROP: u8 = 1;
/// The rows that name a record take its place.
pub(crate) const EMIT: u8 = 2;
/// A record becomes a dead letter.
pub(crate) const REJECT: u8 = 3;
/// Numbers in a row: record, then the lengths of value, key, headers and route.
pub(crate) const ROW_LEN: usize = 5;
/// A length: there is none.
pub(crate) const NONE: i32 = -1;
/// A length: the same bytes as the record has.
pub(crate) const SAME: i32 = -2;

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsError {
    /// JSON pointer; empty for the settings as a whole.
    pub(crate) field: String,
    pub(crate) message: String,
}

/// What an instance reaches of the host, and what the host keeps of it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) limiter: crate::limits::Limiter,
    /// Last words, before a trap.
    pub(crate) message: Option<String>,
}

impl Guest {
    /// Keeps the first bytes of a plugin's last words.
    fn panicked(&mut self, mut message: String) {
        message.truncate(message.floor_char_boundary(TEXT_BYTES_MAX));
        self.message = Some(message);
    }
}

/// How much of a plugin's words (a panic, a reason) goes into a dead letter.
pub(crate) const TEXT_BYTES_MAX: usize = 4096;
