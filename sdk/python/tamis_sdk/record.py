"""A record as a plugin sees it, and what the plugin sets on it."""

from typing import TYPE_CHECKING, Any

from .effects import LogLevel
from .fate import SAME, Reject, Same
from .id import id_hash, is_below
from .jsontext import EditError, Edits, lookup, parse, tokens

if TYPE_CHECKING:
    from .batch import Input

_UNREAD = object()


class Record:
    """One record, on its way through a plugin.

    What is read is the record as the plugin got it; what is set shows in what goes on, if its fate is `Fate.KEEP`.
    """

    __slots__ = ("_input", "_index", "_json", "value", "edits", "new_value", "new_key", "new_timestamp_ms", "new_route")

    def __init__(self, input: "Input", index: int, value: bytes | None) -> None:
        self._input = input
        self._index = index
        self._json: Any = _UNREAD
        #: The value, bytes; None for a tombstone.
        self.value = value
        self.edits: Edits | None = None
        self.new_value: bytes | Same | None = SAME
        self.new_key: bytes | Same | None = SAME
        self.new_timestamp_ms: int | None = None
        self.new_route: str | None = None

    @property
    def key(self) -> bytes | None:
        """The key. Needs `Metadata.KEY`."""
        return self._input.key(self._index)

    @property
    def headers(self) -> list[tuple[str, bytes | None]]:
        """The headers, each with its name and its value. Needs `Metadata.HEADERS`."""
        return self._input.headers(self._index)

    def header(self, name: str) -> bytes | None:
        """The value of the last header with this name. Needs `Metadata.HEADERS`."""
        return dict(self.headers).get(name)

    @property
    def timestamp_ms(self) -> int | None:
        """The record's time, in milliseconds since 1970-01-01 UTC. Needs `Metadata.TIMESTAMP`."""
        return self._input.timestamp_ms(self._index)

    @property
    def source(self) -> str:
        """The name that the source was given. Needs `Metadata.POSITION`, as all below."""
        return self._input.position().source

    @property
    def topic(self) -> str:
        """The topic; for a file its path."""
        return self._input.position().topic

    @property
    def partition(self) -> int:
        """The partition."""
        return self._input.position().partition

    @property
    def offset(self) -> int:
        """The offset; for a file the byte where its line starts."""
        return self._input.position().offsets[self._index]

    @property
    def number(self) -> int:
        """The output number: 0, unless an earlier plugin made several of one."""
        return self._input.position().numbers[self._index]

    def id_hash(self) -> int:
        """A hash (64 bits) of the record's id: evenly spread, and the same on every replay, in every version and language."""
        return id_hash(self.source, self.topic, self.partition, self.offset, self.number)

    def is_sampled(self, share: float) -> bool:
        """Whether it is in the sample that has this share, from 0 to 1, of all records: by `id_hash`, so a replay has the same one."""
        return is_below(self.id_hash(), share)

    def json(self) -> Any:
        """The value read as JSON, once. Do not change what it returns: `set` and `remove` show in what goes on, it does not.

        Raises Reject where the value is no JSON, or a tombstone: unless it is caught, the record becomes a dead letter that says why.
        """
        if self._json is _UNREAD:
            self._json = parse(self.value)
        return self._json

    def get(self, pointer: str, default: Any = None) -> Any:
        """What the JSON pointer names in the value; `default` where there is nothing there, or the value is no JSON at all.

        Raises ValueError, whatever the value is, where it is no pointer: all but the empty one begin with `/`.
        """
        try:
            json = self.json()
        except Reject:
            # What is no pointer is an error whatever the value is.
            tokens(pointer)
            return default
        return lookup(json, pointer, default)

    def set(self, pointer: str, value: Any) -> None:
        """Gives what the JSON pointer names this value, anything that `json.dumps` takes. Objects that are missing on the way are made;
        `-` is the place behind the last element of an array. Every byte that is not set stays as it was.

        Raises EditError, which is a Reject, where the record's value is no JSON object or was set as a whole before, or the pointer names
        no place in it.
        """
        self._edited().set(pointer, value)

    def remove(self, pointer: str) -> bool:
        """Removes what the JSON pointer names, and says whether it was there. Raises as `set` does."""
        return self._edited().remove(pointer)

    def set_value(self, value: bytes | str) -> None:
        """Sets the value as a whole: a str, or what is like bytes. What was edited on it does not count any more, and it cannot be edited
        from then on.
        """
        # Through memoryview, which refuses a number: bytes would make as many zeros of it.
        self.new_value = value.encode() if isinstance(value, str) else bytes(memoryview(value))

    def set_tombstone(self) -> None:
        """Makes it a tombstone, which cannot be edited from then on."""
        self.new_value = None

    def set_key(self, key: bytes | str | None) -> None:
        """Sets the key; None takes it away."""
        self.new_key = key.encode() if isinstance(key, str) else key

    def set_timestamp_ms(self, timestamp_ms: int) -> None:
        """Sets its time, in milliseconds since 1970-01-01 UTC. Needs `Metadata.TIMESTAMP`."""
        self._input.timestamp_ms(self._index)
        self.new_timestamp_ms = timestamp_ms

    def route(self, route: str) -> None:
        """Sends it to the sinks that take this route."""
        self.new_route = route

    def count(self, name: str, amount: int = 1) -> None:
        """Adds to what the plugin counts by `name`, 1 to 64 of a-z, 0-9 and _; in one batch 64 of them are the most."""
        self._input.effects.count(name, amount)

    def log(self, level: LogLevel, line: str) -> None:
        """Writes a line about this record to the log of Tamis, at most 1,024 bytes, some ten lines a second."""
        self._input.effects.log(level, self._index, line)

    def _edited(self) -> Edits:
        if self.new_value is not SAME:
            raise EditError("cannot be edited: the value was set as a whole before")
        if self.edits is None:
            json = self.json()
            self.edits = Edits((self.value or b"").decode(), json)
        return self.edits
