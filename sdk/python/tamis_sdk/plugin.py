"""What a plugin is to its author."""

import enum
from collections.abc import Callable
from typing import Any

from .fate import Fate
from .record import Record


class Metadata(enum.Flag):
    """What a plugin wants to know of a record beside its value: `Metadata.KEY | Metadata.POSITION`."""

    #: The key.
    KEY = 1
    #: The headers.
    HEADERS = 2
    #: The record's time.
    TIMESTAMP = 4
    #: Source, topic, partition, offset and output number: together the record's id.
    POSITION = 8


class ConfigError(Exception):
    """Why settings are refused: `ConfigError("/field", "message")`, with a JSON pointer, empty for the settings as a whole."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


class Plugin:
    """Code that decides what becomes of each record.

    An instance lives as long as nothing goes wrong: what it remembers from record to record is a cache, which may vanish after an
    exception or a swap. What it decides should follow from the record and the settings alone, so that a replay decides alike.
    """

    #: JSON schema of the settings, which are checked against it; see `tamis_sdk.schema` for the words that it may use.
    settings: dict[str, Any] = {"type": "object", "additionalProperties": False}
    #: What it wants to know of a record beside its value. To read what it did not ask for is an error.
    wants: Metadata = Metadata(0)

    def __init__(self, settings: dict[str, Any]) -> None:
        """Takes the settings over: a dict that the schema takes, with its defaults put in.

        Raises ConfigError where they make no sense.
        """

    def process(self, record: Record) -> Fate:
        """Decides the fate of one record."""
        raise NotImplementedError


#: The plugin that the project is, once `export_plugin` has named it.
exported: list[type[Plugin]] = []


def export_plugin(plugin: type[Plugin]) -> type[Plugin]:
    """Makes a class the plugin that its project is built to. Name and version are the project's."""
    if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
        raise TypeError("export_plugin takes a class that is a Plugin")
    exported[:] = [plugin]
    return plugin


def _no_clock() -> int:
    raise RuntimeError('there is no clock: put uses = ["clock"] under [tool.tamis] in pyproject.toml')


#: What `now_ms` asks; set where there is one.
clock: list[Callable[[], int]] = [_no_clock]


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC, by the clock of the wall.

    The project has to say `uses = ["clock"]`, and the configuration has to grant `clock`; a plugin that asks it decides differently
    on replay. In a native test it is what `tamis_sdk.testing.set_now_ms` said last.
    """
    return clock[0]()
