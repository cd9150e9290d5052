"""What a plugin decides about a record."""

from collections.abc import Iterable


class Reject(Exception):
    """Raised anywhere below `Plugin.process`, it makes the record a dead letter with this message as the reason."""


class Same:
    """The type of `SAME`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SAME"


#: Stands for what the record has, where an output is not given anything else.
SAME = Same()


class Output:
    """One of the records that go on in the place of another one. It has its value, key, headers and time unless it is given others.

    value: bytes; a str, which becomes UTF-8; or None, a tombstone.
    key: bytes, a str, or None for no key.
    headers: pairs of a name (str) and a value (bytes or None); these and no others.
    timestamp_ms: milliseconds since 1970-01-01 UTC. The plugin has to want `Metadata.TIMESTAMP`.
    route: it goes to the sinks that take this route.
    """

    __slots__ = ("value", "key", "headers", "timestamp_ms", "route")

    def __init__(
        self,
        value: bytes | str | Same | None = SAME,
        *,
        key: bytes | str | Same | None = SAME,
        headers: Iterable[tuple[str, bytes | None]] | Same = SAME,
        timestamp_ms: int | None = None,
        route: str | None = None,
    ) -> None:
        self.value = value
        self.key = key
        self.headers = headers
        self.timestamp_ms = timestamp_ms
        self.route = route


class Fate:
    """What becomes of a record: `Fate.KEEP`, `Fate.DROP`, `Fate.reject(reason)` or `Fate.emit(outputs)`."""

    __slots__ = ("name", "reason", "outputs")

    #: It goes on, with what was set on it.
    KEEP: "Fate"
    #: It ends here, on purpose.
    DROP: "Fate"

    def __init__(self, name: str, reason: str = "", outputs: tuple[Output, ...] = ()) -> None:
        self.name = name
        self.reason = reason
        self.outputs = outputs

    @staticmethod
    def reject(reason: str) -> "Fate":
        """It becomes a dead letter, for this reason."""
        return Fate("reject", reason=reason)

    @staticmethod
    def emit(*outputs: Output) -> "Fate":
        """These go on in its place, in this order; what was set on it does not count. None is a drop."""
        return Fate("emit", outputs=outputs) if outputs else Fate.DROP

    def __repr__(self) -> str:
        return f"Fate.{self.name}"


Fate.KEEP = Fate("keep")
Fate.DROP = Fate("drop")
