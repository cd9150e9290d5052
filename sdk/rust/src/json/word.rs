//! Eight bytes at a time, in a plain integer: as fast in the sandbox as outside of it.

const HIGH: u64 = repeat(0x80);

/// Eight times `byte`.
pub(crate) const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The eight bytes of a text from a place on, if there are so many.
#[inline(always)]
pub(crate) fn at(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*chunk))
}

/// Whether one of the bytes is beyond ASCII.
pub(crate) fn has_high_bit(word: u64) -> bool {
    word & HIGH != 0
}

/// The first byte that a string cannot have as it is: a quote, a backslash or a control character.
#[inline(always)]
pub(crate) fn special(word: u64) -> Option<usize> {
    let marks = zeros(word ^ repeat(b'"'))
        | zeros(word ^ repeat(b'\\'))
        | (word.wrapping_sub(repeat(b' ')) & !word & HIGH);
    (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize)
}

/// The high bit of each byte that is zero. Bits above the lowest one set may be wrong.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & HIGH
}
