"""Does what its settings say. As it stands in `../js`, word for word, so that both are held to the same laws."""

import json
import os
import time

from tamis_sdk import ConfigError, Fate, LogLevel, Metadata, Output, Plugin, Record, Reject, export_plugin, now_ms

hoard: list[bytes] = []
seen = 0


@export_plugin
class Hostile(Plugin):
    settings = {
        "type": "object",
        "properties": {"do": {"type": "string"}, "share": {"type": "number", "minimum": 0}},
        "required": ["do"],
        "additionalProperties": False,
    }
    wants = Metadata.KEY | Metadata.HEADERS | Metadata.TIMESTAMP | Metadata.POSITION

    def __init__(self, settings):
        if settings["do"] == "refuse":
            raise ConfigError("/do", "is refused")
        if settings["do"] == "fail to start":
            raise ValueError("no start")
        self.action = ACTIONS[settings["do"].replace(" ", "_")]

    def process(self, record: Record) -> Fate:
        return self.action(record)


def on_bad(misbehave):
    """Misbehaves on the record `bad`, and keeps all others."""
    return lambda record: misbehave(record) if record.value == b"bad" else Fate.KEEP


def obey(record: Record) -> Fate:
    """Does what the record says."""
    match record.value:
        case b"drop":
            return Fate.DROP
        case b"reject":
            return Fate.reject("told to")
        case b"raise":
            raise Reject("thrown")
        case b"json":
            record.json()
        case b"replace":
            record.set_value("replaced")
        case b"twice":
            return Fate.emit(Output("first", route="left"), Output("second", route="right"))
        case b"count":
            record.count("seen")
        case b"fail":
            raise KeyError("told to fail")
    return Fate.KEEP


def echo(record: Record) -> Fate:
    """All that it sees of a record."""

    def text(part):
        return None if part is None else part.decode()

    headers = [[name, text(value)] for name, value in record.headers]
    place = [record.source, record.topic, record.partition, record.offset, record.number]
    told = [text(record.value), text(record.key), headers, record.timestamp_ms, place, f"{record.id_hash():x}"]
    return Fate.emit(Output(json.dumps(told, ensure_ascii=False, separators=(",", ":"))))


def edit(record: Record) -> Fate:
    record.set("/new/ä", [1, "é", None])
    record.remove("/old")
    record.set("/there/1", 2.5)
    return Fate.KEEP


def pass_on(record: Record) -> Fate:
    """What came goes on as what it is."""
    ((name, value),) = record.headers
    if not all(isinstance(part, bytes) for part in (record.value, record.key, value)):
        return Fate.DROP
    record.set_value(record.value)
    record.set_key(record.key)
    return Fate.emit(Output(record.value, key=record.key, headers=[(name, value)], timestamp_ms=record.timestamp_ms))


def remember(record: Record) -> Fate:
    """How many records this instance has seen."""
    global seen
    seen += 1
    if record.value == b"fail":
        raise KeyError("told to fail")
    record.set_value(str(seen))
    return Fate.KEEP


def grow(record: Record) -> Fate:
    """Half a MiB more for each record, which never goes."""
    hoard.append(b"x" * (512 << 10))
    return remember(record)


def fail(record: Record) -> Fate:
    raise ValueError("cannot stand this record")


def loop(record: Record) -> Fate:
    while True:
        pass


def allocate(record: Record) -> Fate:
    while True:
        hoard.append(b"x" * (1 << 20))


def recurse(record: Record) -> Fate:
    return recurse(record)


def large(record: Record) -> Fate:
    return Fate.emit(Output("x" * (1 << 20)))


def many(record: Record) -> Fate:
    return Fate.emit(*[Output()] * 5)


def clock(record: Record) -> Fate:
    record.set_value(str(now_ms()))
    return Fate.KEEP


def no_fate(record: Record):
    return None


def say(record: Record) -> Fate:
    record.log(LogLevel.WARN, "hello")
    return Fate.KEEP


ACTIONS = {
    "obey": obey,
    "echo": echo,
    "edit": edit,
    "pass_on": pass_on,
    "remember": remember,
    "grow": grow,
    "say": say,
    "fail": on_bad(fail),
    "loop": on_bad(loop),
    "allocate": on_bad(allocate),
    "recurse": on_bad(recurse),
    "large": on_bad(large),
    "many": on_bad(many),
    "clock": on_bad(clock),
    "return_nothing": on_bad(no_fate),
    "read_a_file": on_bad(lambda record: open("/etc/passwd")),
    "print": on_bad(lambda record: print("heard?", flush=True)),
    "tell_the_time": on_bad(lambda record: time.time()),
    "ask_for_randomness": on_bad(lambda record: os.urandom(8)),
    "sleep": on_bad(lambda record: time.sleep(1)),
}
