//! Looks for the bytes that end what is plain in a string: sixteen at a time with the SIMD of WebAssembly, eight in a
//! plain integer elsewhere.

use wide::{WIDTH, first_special};

/// The place of the first byte from `at` on that a string cannot have as it is: a quote, a backslash or a control
/// character. Where there is none, a place that is not in the text.
// Not inlined: in the sandbox its callers would run out of registers.
#[inline(never)]
pub(super) fn special(text: &[u8], mut at: usize) -> usize {
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk) {
        if let Some(place) = first_special(block, 0) {
            return at + place;
        }
        at += WIDTH;
    }
    match text.last_chunk() {
        // Looks at some bytes a second time, which are skipped.
        Some(block) if at < text.len() => {
            let skipped = at + WIDTH - text.len();
            first_special(block, skipped).map_or(text.len(), |place| at + place)
        }
        Some(_) => at,
        None => {
            let is_special = |&byte: &u8| byte < b' ' || byte == b'"' || byte == b'\\';
            let rest = text.get(at..).unwrap_or_default();
            at + rest.iter().position(is_special).unwrap_or(rest.len())
        }
    }
}

/// The place of the first byte from `at` on that is no digit. Where there is none, the end of the text.
#[inline(always)]
pub(super) fn behind_digits(text: &[u8], mut at: usize) -> usize {
    // All bits of a digit but for the lowest four are those of a zero; then it is below ten.
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let values = u64::from_le_bytes(*block) ^ repeat(b'0');
        let others = (values | values.wrapping_add(repeat(0x80 - 10))) & HIGH;
        if others != 0 {
            return at + first(others);
        }
        at += 8;
    }
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Whether no byte is beyond ASCII.
pub(super) fn is_ascii(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks();
    // Without a way out before the end: that is what makes it fast.
    let all = blocks
        .iter()
        .fold(0, |all, block| all | u128::from_le_bytes(*block));
    (all as u64 | (all >> 64) as u64) & HIGH == 0 && rest.is_ascii()
}

const HIGH: u64 = repeat(0x80);

const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The first byte that has its high bit set.
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wide {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_le, u8x16_splat, u64x2, v128_or};

    pub(super) const WIDTH: usize = 16;

    /// Where the first one is, counted from behind the `skipped` first bytes.
    #[inline(always)]
    pub(super) fn first_special(block: &[u8; WIDTH], skipped: usize) -> Option<usize> {
        let bytes = u128::from_le_bytes(*block);
        let bytes = u64x2(bytes as u64, (bytes >> 64) as u64);
        let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
        let backslashes = u8x16_eq(bytes, u8x16_splat(b'\\'));
        let controls = u8x16_le(bytes, u8x16_splat(b' ' - 1));
        let marks = u8x16_bitmask(v128_or(v128_or(quotes, backslashes), controls)) >> skipped;
        (marks != 0).then(|| marks.trailing_zeros() as usize)
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod wide {
    use super::{HIGH, first, repeat};

    pub(super) const WIDTH: usize = 8;

    /// Where the first one is, counted from behind the `skipped` first bytes, of which there are fewer than eight.
    #[inline(always)]
    pub(super) fn first_special(block: &[u8; WIDTH], skipped: usize) -> Option<usize> {
        // Ones come in from above: no byte of them is special.
        let bytes = !(!u64::from_le_bytes(*block) >> (8 * skipped));
        let controls = bytes.wrapping_sub(repeat(b' ')) & !bytes;
        let marks = (zeros(bytes ^ repeat(b'"')) | zeros(bytes ^ repeat(b'\\')) | controls) & HIGH;
        (marks != 0).then(|| first(marks))
    }

    /// Sets the high bit of each byte that is zero. Those above the first one may be set too.
    const fn zeros(bytes: u64) -> u64 {
        bytes.wrapping_sub(repeat(1)) & !bytes
    }
}
