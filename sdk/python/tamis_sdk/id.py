"""A number that stands for a record's id, for deciding by chance and yet alike on every replay.

Its values are the same in the SDKs of all languages, and never change.
"""

_MASK = 2**64 - 1


def id_hash(source: str, topic: str, partition: int, offset: int, number: int) -> int:
    """FNV-1a (64 bits) of the text `source/topic/partition/offset/number`, then the finaliser of splitmix64."""
    return text_hash(f"{source}/{topic}/{partition}/{offset}/{number}")


def text_hash(text: bytes | str) -> int:
    """The same of any text: 64 bits that are evenly spread, and the same in every version and language."""
    bits = 0xCBF2_9CE4_8422_2325
    for byte in text.encode("utf-8", "replace") if isinstance(text, str) else text:
        bits = (bits ^ byte) * 0x0100_0000_01B3 & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58_476D_1CE4_E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D0_49BB_1331_11EB & _MASK
    return bits ^ bits >> 31


def is_below(bits: int, share: float) -> bool:
    """Whether a hash is in the lowest `share`, from 0 to 1, of all hashes."""
    # A float counts up to 2^53 exactly.
    return (bits >> 11) / 2**53 < share


def is_in_sample(by: bytes | str, share: float) -> bool:
    """Whether `by` is in the sample that has this share, from 0 to 1, of all: by its hash, so that what is the same is always decided
    alike.
    """
    return is_below(text_hash(by), share)
