"""Runs a plugin as plain Python, in the flat form that it has in the sandbox."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import batch as flat
from . import headers, schema
from . import plugin as plugins
from .effects import LogLevel
from .plugin import Metadata, Plugin


@dataclass
class TestRecord:
    """A record for a test."""

    __test__ = False

    value: bytes | str | None
    key: bytes | str | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    timestamp_ms: int | None = None


@dataclass
class TestOutput:
    """A record that goes on in the place of another one. `timestamp_ms` is None where it was given none of its own."""

    __test__ = False

    value: bytes | None
    key: bytes | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    timestamp_ms: int | None = None
    route: str | None = None


@dataclass
class TestFate:
    """What became of a record: `name` is keep, drop, reject or emit."""

    __test__ = False

    name: str
    reason: str = ""
    outputs: list[TestOutput] = field(default_factory=list)

    @property
    def value(self) -> str | None:
        """The value of the one output, where there is one and it is text."""
        if len(self.outputs) != 1 or self.outputs[0].value is None:
            return None
        return self.outputs[0].value.decode()


@dataclass
class TestEffects:
    """What a plugin counted and logged: sums by name; lines with level and the index of their record."""

    __test__ = False

    counts: dict[str, int]
    lines: list[tuple[LogLevel, int, str]]


def configure(plugin: type[Plugin], settings: dict[str, Any]) -> Plugin:
    """The plugin with these settings. Raises ConfigError where it refuses them."""
    schema.check_schema(plugin.settings)
    return plugin(schema.checked(json.loads(json.dumps(settings)), plugin.settings))


def run(plugin: type[Plugin], settings: dict[str, Any], records: Sequence[TestRecord | str | bytes]) -> list[TestFate]:
    """What becomes of `records`, which lie at the offsets 0, 1, … of partition 0 of the topic `topic` of the source `source`."""
    all_records = [it if isinstance(it, TestRecord) else TestRecord(it) for it in records]
    return decode(_answer(plugin, settings, all_records), all_records)


def effects(plugin: type[Plugin], settings: dict[str, Any], records: Sequence[TestRecord | str | bytes]) -> TestEffects:
    """What the plugin counts and logs about `records`, which lie as for `run`."""
    all_records = [it if isinstance(it, TestRecord) else TestRecord(it) for it in records]
    answer = _answer(plugin, settings, all_records)
    words = _Bytes(answer.words)
    counts = {words.take(length).decode(): amount for length, amount in zip(answer.count_names, answer.counts, strict=True)}
    triples = zip(answer.logs[::3], answer.logs[1::3], answer.logs[2::3], strict=True)
    lines = [(LogLevel(level), index, words.take(length).decode()) for level, index, length in triples]
    words.expect_end()
    return TestEffects(counts, lines)


def set_now_ms(now_ms: int) -> None:
    """Sets the clock that `tamis_sdk.now_ms` reads."""
    plugins.clock[0] = lambda: now_ms


def flat_batch(wants: Metadata, records: Sequence[TestRecord]) -> flat.Batch:
    """The records in the flat form, with what a plugin that `wants` this is sent."""
    batch = flat.Batch()
    batch.values, batch.value_lengths = _laid([it.value for it in records])
    if wants & Metadata.KEY:
        batch.keys, batch.key_lengths = _laid([it.key for it in records])
    if wants & Metadata.HEADERS:
        batch.headers, batch.header_lengths = _laid([headers.pack(it.headers) for it in records])
    if wants & Metadata.TIMESTAMP:
        batch.timestamps = [-1 if it.timestamp_ms is None else it.timestamp_ms for it in records]
    if wants & Metadata.POSITION:
        batch.source, batch.topic = "source", "topic"
        batch.offsets, batch.numbers = list(range(len(records))), [0] * len(records)
    return batch


def decode(answer: flat.Answer, records: Sequence[TestRecord]) -> list[TestFate]:
    """The answer in words. Raises ValueError where its rows, times and bytes do not add up."""
    if len(answer.fates) != len(records):
        raise ValueError("one fate for each record")
    rows = [answer.rows[at : at + 5] for at in range(0, len(answer.rows), 5)]
    times = answer.timestamps or [None] * len(rows)
    left = list(zip(rows, times, strict=True))
    data = _Bytes(answer.bytes)
    fates = []
    for index, (fate, record) in enumerate(zip(answer.fates, records)):
        outputs = []
        while left and left[0][0][0] == index:
            outputs.append(_output(*left.pop(0), data, record))
        name = ("keep", "drop", "emit", "reject")[fate]
        if (name in ("keep", "drop")) != (not outputs) or name == "reject" and len(outputs) != 1:
            raise ValueError(f"record {index} is to {name}, with {len(outputs)} rows")
        reason = outputs.pop().value.decode() if name == "reject" else ""
        fates.append(TestFate(name, reason, outputs))
    if left:
        raise ValueError("rows that belong to no record")
    data.expect_end()
    return fates


class _Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, length: int) -> bytes:
        if length > len(self._data):
            raise ValueError("bytes do not add up")
        taken, self._data = self._data[:length], self._data[length:]
        return taken

    def expect_end(self) -> None:
        if self._data:
            raise ValueError("bytes are left over")


def _output(row: list[int], time: int | None, data: _Bytes, record: TestRecord) -> TestOutput:
    def part(length: int, same: Any) -> Any:
        return same if length == -2 else None if length == -1 else data.take(length)

    _, value, key, heads, route = row
    made = TestOutput(part(value, _encoded(record.value)), part(key, _encoded(record.key)))
    made.headers = headers.unpack(part(heads, headers.pack(record.headers)) or b"")
    named = part(route, None)
    made.route = None if named is None else named.decode()
    own = -1 if record.timestamp_ms is None else record.timestamp_ms
    made.timestamp_ms = None if time == own else time
    return made


def _answer(plugin: type[Plugin], settings: dict[str, Any], records: Sequence[TestRecord]) -> flat.Answer:
    return flat.process(configure(plugin, settings), flat_batch(plugin.wants, records))


def _laid(parts: Sequence[bytes | str | None]) -> tuple[bytes, list[int]]:
    encoded = [_encoded(part) for part in parts]
    return b"".join(part or b"" for part in encoded), [-1 if part is None else len(part) for part in encoded]


def _encoded(part: bytes | str | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
