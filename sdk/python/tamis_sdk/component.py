"""What stands between the exports of a component and the plugin. Only `tamis plugin build` imports it: the modules that it uses are
made from the contract when a component is built.
"""

import json
import re
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world.imports import panic, records  # type: ignore[import-not-found]

from . import batch as flat
from . import plugin as plugins
from . import sandbox, schema
from .plugin import ConfigError, Metadata, Plugin

#: The host keeps no more of a plugin's last words.
_LAST_WORDS_MAX = 4_096
_MOUNT = re.compile(r"^/[0-9]+/")


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

    # Of this class there is an instance for each call, so what lasts is kept beside it.
    configured: list[Plugin] = []

    class WitWorld:
        def describe(self) -> Any:
            sandbox.close()
            return records.Description(name, version, settings_schema, wants)

        def configure(self, settings: str) -> None:
            try:
                configured[:] = [plugin(schema.checked(json.loads(settings), plugin.settings))]
            except ConfigError as error:
                raise Err(records.SettingsError(error.field, error.message)) from None
            except BaseException as error:
                panic.panicked(last_words(error))
                raise

        def process(self, batch: Any) -> Any:
            try:
                answer = flat.process(configured[0], batch)
                return records.Answer(**vars(answer))
            except BaseException as error:
                panic.panicked(last_words(error))
                raise

    sandbox.prepare()
    return WitWorld


def last_words(error: BaseException) -> str:
    """The message of an exception, and the place in the plugin that it came from."""
    # Without the module traceback, which looks for source files, and there is no file system to ask.
    said = f"{type(error).__name__}: {error}"
    place = theirs = ""
    trace = error.__traceback__
    while trace is not None:
        # Folders are mounted as /0, /1, … where a component is built.
        file = _MOUNT.sub("", trace.tb_frame.f_code.co_filename)
        place = f" at {file}:{trace.tb_lineno}"
        # What the SDK raises is the doing of the line that called it.
        theirs = theirs if "tamis_sdk/" in place else place
        trace = trace.tb_next
    return said[: _LAST_WORDS_MAX // 4] + (theirs or place)
