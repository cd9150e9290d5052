//! The keys of the last value: records of one origin mostly have the same ones in the same order.
//!
//! A key that is where it was the last time costs a comparison. That saves more than the search for its end: what
//! comes behind it can be looked at before that search would be over.

use super::text;

/// Bytes of a key with its quotes and its colon that can be recognised.
const WIDTH: usize = 16;

/// The keys of the last value.
#[derive(Debug)]
pub(super) struct Shapes {
    /// Those of its top level.
    pub(super) top: Shape,
    /// Those within the last member that had some.
    pub(super) inner: Shape,
}

/// Keys in the order in which they come, those of longer values before behind them.
#[derive(Debug)]
pub(super) struct Shape {
    /// Whether it remembers any.
    learns: bool,
    keys: Vec<Key>,
    /// The first bytes of each key: they alone tell most keys apart.
    heads: Vec<u64>,
    /// How many keys the last value had.
    count: usize,
    /// One bit for each of their heads, several heads to a bit.
    bits: u64,
    /// Whether a key was remembered since `bits` was made.
    changed: bool,
}

/// A key with its quotes and the colon right behind it, without any escape.
#[derive(Debug, Clone, Copy)]
struct Key {
    text: [u64; 2],
    /// Which bits of `text` count.
    mask: [u64; 2],
    /// How many bytes count.
    width: usize,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            top: Shape::new(true),
            inner: Shape::new(true),
        }
    }
}

impl Shapes {
    /// Some that remember nothing: for a value that is read once.
    pub(super) fn none() -> Self {
        Self {
            top: Shape::new(false),
            inner: Shape::new(false),
        }
    }
}

impl Shape {
    fn new(learns: bool) -> Self {
        let (keys, heads) = (Vec::new(), Vec::new());
        Self {
            learns,
            keys,
            heads,
            count: 0,
            bits: 0,
            changed: false,
        }
    }

    /// How many bytes the key that starts at `at` has, with its quotes and its colon, if it is the one that had
    /// this number the last time.
    #[inline(always)]
    pub(super) fn same_key(&self, number: usize, text: &[u8], at: usize) -> Option<usize> {
        let key = self.keys.get(number)?;
        let [low, high] = words(text.get(at..)?.first_chunk()?);
        let low = (low ^ key.text[0]) & key.mask[0];
        let high = (high ^ key.text[1]) & key.mask[1];
        (low | high == 0).then_some(key.width)
    }

    /// Remembers another key with this number: it stands from `at`, a quote, to `quote`. Where it is not `plain`, it
    /// will not be recognised.
    #[inline(never)]
    pub(super) fn remember(
        &mut self,
        number: usize,
        text: &[u8],
        at: usize,
        quote: usize,
        plain: bool,
    ) {
        if !self.learns {
            return;
        }
        let key = if plain {
            Key::new(text, at, quote + 2 - at)
        } else {
            None
        };
        let (key, head) = (key.unwrap_or(Key::NEVER), text::head(&text[at + 1..quote]));
        if number == self.keys.len() {
            self.keys.push(key);
            self.heads.push(head);
        } else {
            self.keys[number] = key;
            self.heads[number] = head;
        }
        self.changed = true;
    }

    /// To be called when the value is over and had so many keys.
    #[inline(always)]
    pub(super) fn finish(&mut self, count: usize) {
        if self.changed || count != self.count {
            self.changed = false;
            self.count = count;
            self.bits = self.heads[..count]
                .iter()
                .fold(0, |bits, &head| bits | text::head_bit(head));
        }
    }

    /// The heads of the keys of the last value; none where that has no key with the head `wanted`.
    #[inline(always)]
    pub(super) fn heads(&self, wanted: u64) -> &[u64] {
        let there = self.bits & text::head_bit(wanted) != 0;
        if there {
            &self.heads[..self.count]
        } else {
            &[]
        }
    }
}

impl Key {
    /// No value can follow where this is found, which is zeros.
    const NEVER: Self = Self {
        text: [0; 2],
        mask: [u64::MAX; 2],
        width: 2,
    };

    fn new(text: &[u8], at: usize, width: usize) -> Option<Self> {
        let [low, high] = words(text.get(at..)?.first_chunk()?);
        let counts = |bytes: usize| u64::MAX.checked_shr(64 - 8 * u32::try_from(bytes).ok()?);
        let mask = match width {
            1..=8 => [counts(width)?, 0],
            9..=WIDTH => [u64::MAX, counts(width - 8)?],
            _ => return None,
        };
        Some(Self {
            text: [low, high],
            mask,
            width,
        })
    }
}

#[inline(always)]
fn words(block: &[u8; WIDTH]) -> [u64; 2] {
    let number = u128::from_le_bytes(*block);
    [number as u64, (number >> 64) as u64]
}
