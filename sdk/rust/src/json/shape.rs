//! The keys of the last object: records of one origin mostly have the same ones in the same order.
//!
//! A key that is where it was the last time costs a comparison. That saves more than the search for its end: what
//! comes behind it can be looked at before that search would be over.

/// Keys that are remembered; those behind them are searched for.
const KEYS_MAX: usize = 64;

/// Bytes of a key with its quotes and its colon that can be remembered.
const WIDTH: usize = 16;

/// The keys of the last object, in order.
#[derive(Debug)]
pub(super) struct Shape {
    keys: Vec<Key>,
    keys_max: usize,
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

impl Default for Shape {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            keys_max: KEYS_MAX,
        }
    }
}

impl Shape {
    /// One that remembers nothing: for an object that is read once.
    pub(super) fn none() -> Self {
        Self {
            keys: Vec::new(),
            keys_max: 0,
        }
    }

    /// How many bytes the key that starts at `at` has, with its quotes and its colon, if it is the one that the
    /// member with this number had the last time.
    #[inline(always)]
    pub(super) fn same_key(&self, number: usize, text: &[u8], at: usize) -> Option<usize> {
        let key = self.keys.get(number)?;
        let [low, high] = words(text.get(at..)?.first_chunk()?);
        let low = (low ^ key.text[0]) & key.mask[0];
        let high = (high ^ key.text[1]) & key.mask[1];
        (low | high == 0).then_some(key.width)
    }

    /// Remembers the key of the member with this number, which starts at `at` with a quote. There is no escape in
    /// it, and `width` bytes later comes its value.
    #[inline(never)]
    pub(super) fn remember(&mut self, number: usize, text: &[u8], at: usize, width: usize) {
        let Some(key) = Key::new(text, at, width) else {
            return;
        };
        if let Some(known) = self.keys.get_mut(number) {
            *known = key;
        } else if self.keys.len() == number && number < self.keys_max {
            self.keys.push(key);
        }
    }
}

impl Key {
    fn new(text: &[u8], at: usize, width: usize) -> Option<Self> {
        let [low, high] = words(text.get(at..)?.first_chunk()?);
        let counts = |bytes: usize| u64::MAX.checked_shr(64 - 8 * u32::try_from(bytes).ok()?);
        let mask = match width {
            0 => return None,
            ..=8 => [counts(width)?, 0],
            ..=WIDTH => [u64::MAX, counts(width - 8)?],
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
    [0, 8].map(|half| {
        u64::from_le_bytes(*block[half..].first_chunk().expect("a block has two halves"))
    })
}
