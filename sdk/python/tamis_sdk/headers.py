"""The headers of a record as the contract lays them out: name length, name, value length (-1 for none), value."""

import struct
from collections.abc import Iterable

_LENGTH = struct.Struct("<i")


def unpack(flat: bytes) -> list[tuple[str, bytes | None]]:
    """The headers of one record, in order."""
    headers: list[tuple[str, bytes | None]] = []
    at = 0
    while at < len(flat):
        (length,) = _LENGTH.unpack_from(flat, at)
        name = flat[at + 4 : at + 4 + length].decode()
        at += 4 + length
        (length,) = _LENGTH.unpack_from(flat, at)
        at += 4
        value = None if length < 0 else flat[at : at + length]
        at += max(length, 0)
        headers.append((name, value))
    return headers


def pack(headers: Iterable[tuple[str, bytes | None]]) -> bytes:
    """The flat form of `headers`."""
    flat = bytearray()
    for name, value in headers:
        text = name.encode()
        flat += _LENGTH.pack(len(text)) + text
        flat += _LENGTH.pack(-1 if value is None else len(value)) + (value or b"")
    return bytes(flat)
