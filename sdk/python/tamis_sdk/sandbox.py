"""What Python asks of an operating system, where there is none: words instead of a trap that has none.

A plugin is imported when it is built, and runs from that state. So what is imported by then is there, and nothing else can be.
"""

import builtins
import codecs
import io
import os
import sys
import time
from typing import Any, NoReturn

# Modules that Python's own import when they are first used, and encodings that texts come in.
_LATE_MODULES = ("_strptime", "_pylong")
_ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8-sig", "utf-16", "utf-32", "gbk", "gb18030", "big5", "shift-jis", "euc-kr")
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")


class _Nowhere(io.TextIOBase):
    """Where what is printed goes."""

    def write(self, text: str) -> int:
        return len(text)


class _NoImports:
    """Finds no module."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> NoReturn:
        raise ImportError(f"{name} cannot be imported any more: what a plugin uses is imported at the top of its module")


def prepare() -> None:
    """Imports what would be too late afterwards. Called when a plugin is built."""
    for name in _LATE_MODULES:
        try:
            __import__(name)
        except ModuleNotFoundError:
            # Not in this version of Python: _pylong, for integers of many digits, came with 3.12.
            pass
    for name in _ENCODINGS:
        try:
            codecs.lookup(name)
        except LookupError:
            # Not in this build of Python.
            pass


def close() -> None:
    """Says no from here on. Called before the plugin's first own call: what builds it still imports after the plugin."""
    sys.stdout = sys.stderr = _Nowhere()  # type: ignore[assignment]
    builtins.open = io.open = _refusing("files")  # type: ignore[assignment]
    os.urandom = _refusing("randomness: a replay has to decide alike; see Record.is_sampled")  # type: ignore[assignment]
    for name in _CLOCKS:
        setattr(time, name, _refusing("clock; see tamis_sdk.now_ms"))
    sys.meta_path[:] = [_NoImports()]  # type: ignore[list-item]


def _refusing(what: str) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError(f"a plugin has no {what}")

    return refuse
