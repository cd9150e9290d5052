"""JSON as text: edits that leave every other byte as it was.

What is read is parsed by `json`, whose scanner is C; the text of a value is found by where that scanner stops.
"""

import json
import re
from typing import Any

from .fate import Reject

_SPACE = re.compile(r"[ \t\n\r]*")
_INDEX = re.compile(r"0|[1-9][0-9]*")


class EditError(Reject):
    """The record's value is no JSON object, or a pointer names no place in it. Unless it is caught, the record becomes a dead letter."""


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def parse(value: bytes | None) -> Any:
    """The JSON in `value`. Raises Reject where there is none."""
    if value is None:
        raise Reject("invalid JSON: a tombstone")
    try:
        return _DECODER.decode(value.decode())
    except (ValueError, RecursionError) as error:
        raise Reject(f"invalid JSON: {error}") from None


def dump(value: Any) -> str:
    """`value` as compact JSON. Raises TypeError or ValueError for what JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate, which only an escape can say.
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def tokens(pointer: str) -> list[str]:
    """The tokens of a JSON pointer. Raises EditError where it is none."""
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise EditError(f"{pointer!r} is no JSON pointer: one begins with /")
    parts = pointer[1:].split("/")
    if "~" in pointer:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return parts


def lookup(value: Any, pointer: str, default: Any) -> Any:
    """What `pointer` names in a parsed value."""
    for token in tokens(pointer):
        if isinstance(value, dict):
            if token not in value:
                return default
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return default
    return value


class _Part:
    """A member or an element: what is in front of its value (key, colon, blanks), the value, and blanks behind it."""

    __slots__ = ("key", "lead", "text", "trail")

    def __init__(self, key: str | None, lead: str, text: str, trail: str) -> None:
        self.key = key
        self.lead = lead
        self.text = text
        self.trail = trail


class Document:
    """An object or array, taken apart one level deep. `text` is valid JSON."""

    __slots__ = ("opens", "closes", "blank", "parts", "head", "tail", "touched")

    def __init__(self, text: str) -> None:
        start = _end_of_space(text, 0)
        self.opens = text[start]
        if self.opens not in "{[":
            raise EditError("cannot be edited: the value is no JSON object")
        self.closes = "}" if self.opens == "{" else "]"
        self.head = text[:start]
        self.blank = ""
        self.parts: list[_Part] = []
        self.touched = False
        self.tail = text[self._read(text, start + 1) :]

    def _read(self, text: str, at: int) -> int:
        """Reads the parts from `at` on, and returns where the text behind the closing bracket begins."""
        first = _end_of_space(text, at)
        if text[first] == self.closes:
            self.blank = text[at:first]
            return first + 1
        while True:
            begin = at
            key = None
            at = _end_of_space(text, at)
            if self.opens == "{":
                key, at = _DECODER.scan_once(text, at)
                # Behind the colon.
                at = _end_of_space(text, _end_of_space(text, at) + 1)
            _, end = _DECODER.scan_once(text, at)
            behind = _end_of_space(text, end)
            self.parts.append(_Part(key, text[begin:at], text[at:end], text[end:behind]))
            at = behind + 1
            if text[behind] == self.closes:
                return at

    def text(self) -> str:
        """The text, with what was edited."""
        inner = ",".join(part.lead + part.text + part.trail for part in self.parts)
        return f"{self.head}{self.opens}{self.blank}{inner}{self.closes}{self.tail}"

    def set(self, pointer: str, value: Any) -> None:
        """As `Record.set`."""
        path = self._path(pointer)
        self._set(path, dump(value))
        self.touched = True

    def remove(self, pointer: str) -> bool:
        """As `Record.remove`."""
        removed = self._remove(self._path(pointer))
        self.touched = self.touched or removed
        return removed

    def _path(self, pointer: str) -> list[str]:
        if self.opens != "{":
            raise EditError("cannot be edited: the value is no JSON object")
        path = tokens(pointer)
        if not path:
            raise EditError("cannot be edited: the pointer names the whole value")
        return path

    def _set(self, path: list[str], text: str) -> None:
        token, rest = path[0], path[1:]
        part = self._find(token)
        if part is not None and rest:
            if part.text[0] not in "{[":
                raise EditError(f"cannot be edited: there is a value at {token!r}, and none in it")
            inner = Document(part.text)
            inner._set(rest, text)
            part.text = inner.text()
        elif part is not None:
            part.text = text
        else:
            self._append(token, _wrapped(rest, text))

    def _remove(self, path: list[str]) -> bool:
        token, rest = path[0], path[1:]
        part = self._find(token)
        if part is None:
            return False
        if rest:
            if part.text[0] not in "{[":
                return False
            inner = Document(part.text)
            removed = inner._remove(rest)
            part.text = inner.text()
            return removed
        if self.opens == "{":
            self.parts = [other for other in self.parts if other.key != token]
        else:
            self.parts.remove(part)
        return True

    def _find(self, token: str) -> _Part | None:
        """The part that `token` names; of several the last one counts."""
        if self.opens == "[":
            known = _INDEX.fullmatch(token) and int(token) < len(self.parts)
            return self.parts[int(token)] if known else None
        for part in reversed(self.parts):
            if part.key == token:
                return part
        return None

    def _append(self, token: str, text: str) -> None:
        if self.opens == "{":
            self.parts.append(_Part(token, dump(token) + ":", text, ""))
        elif token in ("-", str(len(self.parts))):
            self.parts.append(_Part(None, "", text, ""))
        else:
            raise EditError(f"cannot be edited: an array of {len(self.parts)} has no place {token!r}")


def _wrapped(path: list[str], text: str) -> str:
    """`text` in the objects that `path` names."""
    for token in reversed(path):
        text = f"{{{dump(token)}:{text}}}"
    return text


def _end_of_space(text: str, at: int) -> int:
    end = _SPACE.match(text, at)
    assert end is not None, "nothing is space, too"
    return end.end()
