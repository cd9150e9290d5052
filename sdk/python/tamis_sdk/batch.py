"""A batch in, an answer out: the flat form of the contract, which the plugin never sees."""

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from . import headers
from .effects import Effects
from .fate import SAME, Fate, Output, Reject
from .plugin import Metadata, Plugin
from .record import Record

_KEEP, _DROP, _EMIT, _REJECT = range(4)
#: No value, key, headers or route.
_NONE = -1
#: The value, key or headers that the record has.
_SAME = -2
#: Numbers in one row: record, value, key, headers, route.
_STRIDE = 5


@dataclass
class Batch:
    """Records of one partition, as the contract lays them out."""

    values: bytes = b""
    value_lengths: list[int] = field(default_factory=list)
    keys: bytes = b""
    key_lengths: list[int] = field(default_factory=list)
    headers: bytes = b""
    header_lengths: list[int] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    source: str = ""
    topic: str = ""
    partition: int = 0
    offsets: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


@dataclass
class Answer:
    """What becomes of a batch, as the contract lays it out."""

    fates: bytes
    rows: list[int]
    timestamps: list[int]
    bytes: bytes
    count_names: list[int]
    counts: list[int]
    logs: list[int]
    words: bytes


class Input:
    """A batch whose metadata is looked up by the index of a record; what the plugin does not want is an error."""

    def __init__(self, batch: Batch, wants: Metadata) -> None:
        self.batch = batch
        self.wants = wants
        self.effects = Effects()
        self._key_ends: list[int] | None = None
        self._header_ends: list[int] | None = None

    def key(self, index: int) -> bytes | None:
        """The key of a record."""
        self._asked(Metadata.KEY)
        if self._key_ends is None:
            self._key_ends = _ends(self.batch.key_lengths)
        return _part(self.batch.keys, self.batch.key_lengths, self._key_ends, index)

    def headers(self, index: int) -> list[tuple[str, bytes | None]]:
        """The headers of a record."""
        self._asked(Metadata.HEADERS)
        if self._header_ends is None:
            self._header_ends = _ends(self.batch.header_lengths)
        return headers.unpack(_part(self.batch.headers, self.batch.header_lengths, self._header_ends, index) or b"")

    def timestamp_ms(self, index: int) -> int | None:
        """The time of a record."""
        self._asked(Metadata.TIMESTAMP)
        time = self.batch.timestamps[index]
        return None if time == -1 else time

    def position(self) -> Batch:
        """The batch, for who wants to know where it comes from."""
        self._asked(Metadata.POSITION)
        return self.batch

    def _asked(self, metadata: Metadata) -> None:
        if not self.wants & metadata:
            raise RuntimeError(f"the plugin uses metadata that it does not want: Metadata.{metadata.name}")


def process(plugin: Plugin, batch: Batch) -> Answer:
    """The plugin's answer to a batch. Raises what the plugin raises, but for Reject."""
    input = Input(batch, plugin.wants)
    answer = _AnswerWriter(batch, input.effects)
    at = 0
    values = batch.values
    for index, length in enumerate(batch.value_lengths):
        value = None
        if length >= 0:
            value = values[at : at + length]
            at += length
        record = Record(input, index, value)
        try:
            fate = plugin.process(record)
        except Reject as reject:
            fate = Fate.reject(str(reject))
        answer.push(index, record, fate)
    return answer.finish()


class _AnswerWriter:
    """The answer to a batch, grown record by record."""

    def __init__(self, batch: Batch, effects: Effects) -> None:
        self._batch = batch
        self._effects = effects
        self._fates = bytearray()
        self._rows: list[int] = []
        self._times: list[int | None] = []
        self._bytes = bytearray()

    def push(self, index: int, record: Record, fate: Fate) -> None:
        """Answers for the next record."""
        if not isinstance(fate, Fate):
            raise TypeError(f"process returned {fate!r}, which is no fate: return Fate.KEEP, Fate.DROP, …")
        if fate.name == "keep":
            self._fates.append(self._kept(index, record))
        elif fate.name == "drop":
            self._fates.append(_DROP)
        elif fate.name == "emit":
            for output in fate.outputs:
                self._output(index, output)
            self._fates.append(_EMIT)
        else:
            # A reason is a text, and is there.
            reason = self._put(str(fate.reason).encode("utf-8", "replace"))
            self._row(index, reason, _NONE, _NONE, _NONE, None)
            self._fates.append(_REJECT)

    def _kept(self, index: int, record: Record) -> int:
        value: Any = record.new_value
        if value is SAME and record.edits is not None and record.edits.touched:
            value = record.edits.text().encode()
        parts = (value, record.new_key, record.new_timestamp_ms, record.new_route)
        if parts == (SAME, SAME, None, None):
            return _KEEP
        # In the order of the contract.
        lengths = self._put(value), self._put(record.new_key), _SAME, self._put_route(record.new_route)
        self._row(index, *lengths, record.new_timestamp_ms)
        return _EMIT

    def _output(self, index: int, output: Output) -> None:
        packed: Any = output.headers if output.headers is SAME else headers.pack(output.headers) or None
        lengths = self._put(output.value), self._put(output.key), self._put(packed), self._put_route(output.route)
        self._row(index, *lengths, output.timestamp_ms)

    def _put(self, part: Any) -> int:
        if part is SAME:
            return _SAME
        if part is None:
            return _NONE
        part = part.encode() if isinstance(part, str) else part
        self._bytes += part
        return len(part)

    def _put_route(self, route: str | None) -> int:
        return _NONE if route is None else self._put(route.encode())

    def _row(self, index: int, value: int, key: int, heads: int, route: int, timestamp_ms: int | None) -> None:
        if timestamp_ms is not None and len(self._batch.timestamps) != len(self._batch.value_lengths):
            raise RuntimeError("the plugin sets times, but does not want Metadata.TIMESTAMP")
        self._rows += (index, value, key, heads, route)
        self._times.append(timestamp_ms)

    def finish(self) -> Answer:
        """The whole answer, with what was counted and logged."""
        counts = {name.encode(): amount for name, amount in self._effects.counts.items() if amount}
        lines = self._effects.lines
        return Answer(
            fates=bytes(self._fates),
            rows=self._rows,
            timestamps=self._timestamps(),
            bytes=bytes(self._bytes),
            count_names=[len(name) for name in counts],
            counts=list(counts.values()),
            logs=[number for level, index, text in lines for number in (level, index, len(text))],
            words=b"".join(counts) + b"".join(text for _, _, text in lines),
        )

    def _timestamps(self) -> list[int]:
        """None where no row was given one; else rows that were not have their records'."""
        if all(time is None for time in self._times):
            return []
        records = self._rows[::_STRIDE]
        times = self._batch.timestamps
        return [times[record] if time is None else time for record, time in zip(records, self._times)]


def _ends(lengths: list[int]) -> list[int]:
    return list(accumulate(max(length, 0) for length in lengths))


def _part(flat: bytes, lengths: list[int], ends: list[int], index: int) -> bytes | None:
    length = lengths[index]
    return None if length < 0 else flat[ends[index] - length : ends[index]]
