"""What a plugin counts and logs over a batch. It goes out with the answer, and takes effect once Tamis has accepted that."""

import enum
import re

#: Of a line no more is logged.
LINE_BYTES_MAX = 1_024
#: Of a batch no more are logged; what is beyond is but counted.
LINES_MAX = 128
_NAME = re.compile(r"[a-z0-9_]{1,64}")


class LogLevel(enum.IntEnum):
    """How much a line of the log matters."""

    #: A person must act.
    ERROR = 0
    #: Something was wrong, and dealt with.
    WARN = 1
    #: Good to know.
    INFO = 2
    #: For whoever looks for a fault.
    DEBUG = 3


class Effects:
    """Sums by name, and lines as (level, index of the record, UTF-8)."""

    __slots__ = ("counts", "lines")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lines: list[tuple[int, int, bytes]] = []

    def count(self, name: str, amount: int) -> None:
        """Adds to a sum. Raises ValueError for what is no name, and for an amount that is negative or beyond 64 bits."""
        known = self.counts.get(name)
        if known is None and not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name to count by: those have 1 to 64 of a-z, 0-9 and _")
        if amount < 0:
            raise ValueError(f"{name} cannot be counted down")
        self.counts[name] = min((known or 0) + amount, 2**64 - 1)

    def log(self, level: LogLevel, index: int, line: str) -> None:
        """Adds a line about the record with this index."""
        text = b""
        if len(self.lines) < LINES_MAX:
            # What is cut off in the midst of a character goes as a whole.
            text = line.encode("utf-8", "replace")[:LINE_BYTES_MAX].decode("utf-8", "ignore").encode()
        self.lines.append((int(level), index, text))
