"""Finds the stack trace in a record, and says in fields of their own what failed, where, and which failures are the same."""

from typing import Any

from tamis_sdk import ConfigError, EditError, Fate, Plugin, Record, export_plugin

from .culprit import culprit, fingerprint
from .trace import Trace, find

_POINTERS = {"type": "array", "items": {"type": "string"}}


@export_plugin
class Stacktrace(Plugin):
    settings = {
        "type": "object",
        "properties": {
            "fields": {
                **_POINTERS,
                "description": "JSON pointers to where a trace can be; the first that has one counts.",
                "default": [
                    "/stack_trace",
                    "/stacktrace",
                    "/stack",
                    "/exception",
                    "/error",
                    "/Field/stack",
                    "/Field/error",
                    "/Msg",
                    "/message",
                    "/msg",
                ],
            },
            "to": {
                "type": "string",
                "description": "JSON pointer to the object that type, message, culprit and fingerprint are set in.",
                "default": "/error",
            },
            "in_app": {
                **_POINTERS,
                "description": "How functions or files of your own code begin; the culprit is the innermost of them.",
                "default": [],
            },
        },
        "additionalProperties": False,
    }

    def __init__(self, settings: dict[str, Any]) -> None:
        self.fields = settings["fields"]
        self.to = settings["to"]
        self.in_app = tuple(settings["in_app"])
        for index, field in enumerate(self.fields):
            if not field.startswith("/"):
                raise ConfigError(f"/fields/{index}", "must be a JSON pointer, such as /stack_trace")
        if not self.to.startswith("/"):
            raise ConfigError("/to", "must be a JSON pointer, such as /error")

    def process(self, record: Record) -> Fate:
        trace = self._trace(record)
        if trace is None:
            return Fate.KEEP
        found = {
            "type": trace.type,
            "message": trace.message,
            "culprit": culprit(trace, self.in_app),
            "fingerprint": fingerprint(trace, self.in_app),
        }
        found = {name: value for name, value in found.items() if value}
        record.count("traces" if self._set(record, found) else "no_place")
        return Fate.KEEP

    def _set(self, record: Record, found: dict[str, str]) -> bool:
        """False where something stands in the way, most often a text: the record is worth more than what it lacks."""
        there = record.get(self.to)
        try:
            if there is None:
                record.set(self.to, found)
            elif isinstance(there, dict):
                for name, value in found.items():
                    record.set(f"{self.to}/{name}", value)
            else:
                return False
        except EditError:
            return False
        return True

    def _trace(self, record: Record) -> Trace | None:
        for field in self.fields:
            value = record.get(field)
            if isinstance(value, list):
                value = "\n".join(line for line in value if isinstance(line, str))
            if isinstance(value, str) and (trace := find(value)):
                return trace
        return None
