"""A number that stands for a record's id, for deciding by chance and yet alike on every replay.

Its values are the same in the SDKs of all languages, and never change.
"""

import re

_MASK = 2**64 - 1
#: Halves of a character in UTF-16: two that belong together, or a lone one.
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")


def id_hash(source: str, topic: str, partition: int, offset: int, number: int) -> int:
    """FNV-1a (64 bits) of the text `source/topic/partition/offset/number`, then the finaliser of splitmix64."""
    return text_hash(f"{source}/{topic}/{partition}/{offset}/{number}")


def text_hash(text: bytes | str) -> int:
    """The same of any text: 64 bits that are evenly spread, and the same in every version and language. A lone surrogate, which UTF-8 does
    not have, counts as U+FFFD.
    """
    bits = 0xCBF2_9CE4_8422_2325
    for byte in _utf8(text) if isinstance(text, str) else text:
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


def _utf8(text: str) -> bytes:
    """As other languages write it; "replace" would make question marks."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub(_character, text).encode()


def _character(surrogates: re.Match[str]) -> str:
    if len(surrogates[0]) == 1:
        return "\ufffd"
    high, low = map(ord, surrogates[0])
    return chr(0x10000 + (high - 0xD800 << 10) + low - 0xDC00)
