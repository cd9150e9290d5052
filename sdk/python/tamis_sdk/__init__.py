"""Writes plugins for Tamis, a stream processor for logs: plain Python classes that decide the fate of records.

    from tamis_sdk import Fate, Plugin, export_plugin

    @export_plugin
    class Without(Plugin):
        settings = {
            "type": "object",
            "properties": {"without": {"type": "string", "minLength": 1}},
            "required": ["without"],
            "additionalProperties": False,
        }

        def __init__(self, settings):
            self.without = settings["without"]

        def process(self, record):
            return Fate.DROP if record.get("/Type") == self.without else Fate.KEEP
"""

from .effects import LogLevel
from .fate import Fate, Output, Reject
from .id import is_in_sample, text_hash
from .jsontext import EditError
from .plugin import ConfigError, Metadata, Plugin, export_plugin, now_ms
from .record import Record

__all__ = [
    "ConfigError",
    "EditError",
    "Fate",
    "LogLevel",
    "Metadata",
    "Output",
    "Plugin",
    "Record",
    "Reject",
    "export_plugin",
    "is_in_sample",
    "now_ms",
    "text_hash",
]
