"""What stands between the exports of a component and the plugin. Only `tamis plugin build` imports it: the modules that it uses are
made from the contract when a component is built.
"""

import json
import traceback
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world.imports import panic, records  # type: ignore[import-not-found]

from . import batch as flat
from . import plugin as plugins
from . import schema
from .plugin import ConfigError, Metadata, Plugin

#: The host keeps no more of a plugin's last words.
_LAST_WORDS_MAX = 4_096


def world(name: str, version: str) -> type:
    """The class that exports the plugin that `export_plugin` named. Raises what is wrong with it, so that it is found at build."""
    if not plugins.exported:
        raise RuntimeError("the project exports no plugin: put @export_plugin above its class")
    (plugin,) = plugins.exported
    schema.check_schema(plugin.settings)
    settings_schema = json.dumps(plugin.settings, ensure_ascii=False)
    wants = records.Metadata(0)
    for metadata in Metadata:
        if plugin.wants & metadata:
            wants |= records.Metadata[metadata.name]

    class WitWorld:
        def __init__(self) -> None:
            self.plugin: Plugin | None = None

        def describe(self) -> Any:
            return records.Description(name, version, settings_schema, wants)

        def configure(self, settings: str) -> None:
            try:
                self.plugin = plugin(schema.checked(json.loads(settings), plugin.settings))
            except ConfigError as error:
                raise Err(records.SettingsError(error.field, error.message)) from None
            except BaseException as error:
                panic.panicked(last_words(error))
                raise

        def process(self, batch: Any) -> Any:
            try:
                if self.plugin is None:
                    raise RuntimeError("the plugin got a batch before its settings")
                answer = flat.process(self.plugin, batch)
                return records.Answer(**vars(answer))
            except BaseException as error:
                panic.panicked(last_words(error))
                raise

    return WitWorld


def last_words(error: BaseException) -> str:
    """The message of an exception, and the place in the plugin that it came from."""
    said = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    # What the SDK raises is the doing of the line that called it.
    theirs = [frame for frame in frames if "tamis_sdk/" not in frame.filename] or frames
    place = f" at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
    return said.encode("utf-8", "replace")[: _LAST_WORDS_MAX - 256].decode("utf-8", "ignore") + place
