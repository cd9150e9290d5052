//! A number that stands for a record's id, for deciding by chance and yet alike on every replay.

/// The bytes of `source/topic/partition/`, hashed: what the ids of one batch have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix(Fnv);

impl Prefix {
    pub(crate) fn new(source: &str, topic: &str, partition: i32) -> Self {
        let mut hash = Fnv::new();
        hash.bytes(source.as_bytes());
        hash.bytes(b"/");
        hash.bytes(topic.as_bytes());
        hash.bytes(if partition < 0 { b"/-" } else { b"/" });
        hash.decimal(u64::from(partition.unsigned_abs()));
        hash.bytes(b"/");
        Self(hash)
    }

    /// The hash of the whole id.
    ///
    /// FNV-1a with 64 bits, whose high bits hardly differ between ids that differ in their last digits; hence the
    /// finaliser of splitmix64 behind it. Its values are part of the contract with those who sample by it.
    pub(crate) fn hash(self, offset: u64, number: u32) -> u64 {
        let mut hash = self.0;
        hash.decimal(offset);
        hash.bytes(b"/");
        hash.decimal(u64::from(number));
        let mut bits = hash.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }
}

/// FNV-1a with 64 bits.
#[derive(Debug, Clone, Copy)]
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn decimal(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
            if number == 0 {
                return self.bytes(&digits[first..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: (&str, &str, i32, u64, u32), expected: u64) {
        let (source, topic, partition, offset, number) = id;
        assert_eq!(
            Prefix::new(source, topic, partition).hash(offset, number),
            expected
        );
    }

    /// The definition, with the id as text.
    fn defined(id: &str) -> u64 {
        let mut bits = 0xcbf2_9ce4_8422_2325_u64;
        for byte in id.bytes() {
            bits = (bits ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    #[test]
    fn the_hash_is_that_of_the_id_as_text() {
        check(("s", "t", 0, 0, 0), defined("s/t/0/0/0"));
        check(
            ("", "a/b", -1, u64::MAX, u32::MAX),
            defined("/a/b/-1/18446744073709551615/4294967295"),
        );
        check(
            ("kafka", "日志", i32::MAX, 1_000, 10),
            defined("kafka/日志/2147483647/1000/10"),
        );
    }

    #[test]
    fn the_hash_never_changes() {
        check(
            ("kafka", "msproject_log", 3, 42, 0),
            1_062_688_388_849_495_375,
        );
    }

    #[test]
    fn neighbours_are_spread_evenly() {
        let prefix = Prefix::new("kafka", "msproject_log", 0);
        let low = (0..100_000)
            .filter(|&offset| prefix.hash(offset, 0) < u64::MAX / 10)
            .count();
        assert!(
            (9_600..10_400).contains(&low),
            "{low} of 100,000 in the lowest tenth"
        );
    }
}
