"""JSON as text: edits that leave every other byte as it was.

What is read is parsed by `json`, whose scanner is C; the text of a value is found by where that scanner stops.
"""

import functools
import json
import re
import sys
from typing import Any

from .fate import Reject

# A record may have an integer of any length: Python reads and writes 4,300 digits unless it is told otherwise.
sys.set_int_max_str_digits(0)

_SPACE = re.compile(r"[ \t\n\r]*")
#: A string, or a bracket: what says how deep a text is nested. A string that does not end goes to the end, so that no part is read twice.
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
#: As many as in Rust. Python's scanner takes a part of the stack for each, which is small in a sandbox, and ends it unheard.
_DEPTH_MAX = 127
_INDEX = re.compile(r"0|[1-9][0-9]*")


class EditError(Reject):
    """The record's value is no JSON object or was set as a whole before, or a pointer names no place in it. Unless it is caught, the record
    becomes a dead letter.
    """


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def parse(value: bytes | None) -> Any:
    """The JSON in `value`. Raises Reject where there is none."""
    if value is None:
        raise Reject("invalid JSON: a tombstone")
    try:
        text = value.decode()
        if _is_too_deep(text):
            raise ValueError(f"more than {_DEPTH_MAX} arrays and objects within each other")
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise Reject(f"invalid JSON: {error}") from None


def _is_too_deep(text: str) -> bool:
    # Most texts do not have that many at all.
    if text.count("[") + text.count("{") <= _DEPTH_MAX:
        return False
    depth = 0
    for mark in _MARK.finditer(text):
        bracket = mark[0]
        if bracket in "[{":
            depth += 1
            if depth > _DEPTH_MAX:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


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


@functools.lru_cache(maxsize=256)
def tokens(pointer: str) -> tuple[str, ...]:
    """The tokens of a JSON pointer. Raises ValueError where it is none."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: one begins with /")
    parts = pointer[1:].split("/")
    if "~" in pointer:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in parts]
    return tuple(parts)


def lookup(value: Any, pointer: str, default: Any) -> Any:
    """What `pointer` names in a parsed value. Raises ValueError where it is no pointer."""
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


class Edits:
    """What is edited in a value, with its text and its JSON."""

    __slots__ = ("_text", "_json", "_added", "_document", "touched")

    def __init__(self, text: str, json: Any) -> None:
        self._text = text
        self._json = json
        # Members that are new: most edits add some, for which nothing has to be looked for in the text.
        self._added: dict[str, str] = {}
        self._document: Document | None = None
        self.touched = False

    def set(self, pointer: str, value: Any) -> None:
        """As `Record.set`."""
        path = self._path(pointer)
        text = dump(value)
        token = path[0]
        is_new = self._document is None and token not in self._json
        if is_new and (len(path) == 1 or token not in self._added):
            self._added[token] = _wrapped(path[1:], text)
        else:
            self._whole().set(path, text)
        self.touched = True

    def remove(self, pointer: str) -> bool:
        """As `Record.remove`."""
        removed = self._whole().remove(self._path(pointer))
        self.touched = self.touched or removed
        return removed

    def text(self) -> str:
        """The text, with what was edited."""
        if self._document is not None:
            return self._document.text()
        added = ",".join(f"{dump(token)}:{text}" for token, text in self._added.items())
        end = self._text.rindex("}")
        joint = "," if self._json and added else ""
        return f"{self._text[:end]}{joint}{added}{self._text[end:]}"

    def _path(self, pointer: str) -> tuple[str, ...]:
        if not isinstance(self._json, dict):
            raise EditError("cannot be edited: the value is no JSON object")
        try:
            path = tokens(pointer)
        except ValueError as error:
            raise EditError(f"cannot be edited: {error}") from None
        if not path:
            raise EditError("cannot be edited: the pointer names the whole value")
        return path

    def _whole(self) -> "Document":
        """The value taken apart, with the new members in it."""
        if self._document is None:
            self._document = Document(self._text)
            for token, text in self._added.items():
                self._document.set((token,), text)
        return self._document


class Document:
    """An object or array, taken apart one level deep. `text` is valid JSON."""

    __slots__ = ("opens", "closes", "blank", "parts", "head", "tail")

    def __init__(self, text: str) -> None:
        start = _end_of_space(text, 0)
        self.opens = text[start]
        self.closes = "}" if self.opens == "{" else "]"
        self.head = text[:start]
        self.blank = ""
        self.parts: list[_Part] = []
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

    def set(self, path: tuple[str, ...], text: str) -> None:
        """Gives what `path` names this text. Raises EditError where it names no place."""
        token, rest = path[0], path[1:]
        part = self._find(token)
        if part is not None and rest:
            if part.text[0] not in "{[":
                raise EditError(f"cannot be edited: there is a value at {token!r}, and none in it")
            inner = Document(part.text)
            inner.set(rest, text)
            part.text = inner.text()
        elif part is not None:
            part.text = text
        else:
            self._append(token, _wrapped(rest, text))

    def remove(self, path: tuple[str, ...]) -> bool:
        """Removes what `path` names, and says whether it was there."""
        token, rest = path[0], path[1:]
        part = self._find(token)
        if part is None:
            return False
        if rest:
            if part.text[0] not in "{[":
                return False
            inner = Document(part.text)
            removed = inner.remove(rest)
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


def _wrapped(path: tuple[str, ...], text: str) -> str:
    """`text` in the objects that `path` names."""
    for token in reversed(path):
        text = f"{{{dump(token)}:{text}}}"
    return text


def _end_of_space(text: str, at: int) -> int:
    end = _SPACE.match(text, at)
    assert end is not None, "nothing is space, too"
    return end.end()
