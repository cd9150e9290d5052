#!/usr/bin/env python3
"""What the main job must write: level-filter and enrich, worked out a second time from their rules alone.

usage: main_job.py INPUT DIR [--partitions 4]

Reads the records that went into the topic, one a line ("-" is the standard input), and writes
  DIR/partition-N.ndjson  the records of partition N that reach the sink, in order of offset
  DIR/partition-N.offsets the offset of each of them, one a line
  DIR/dead.txt            "partition offset" of each dead letter, in that order
and a summary to the standard output: {"records": …, "written": …, "dropped": …, "dead": …}.
Record i is in partition i % 4 at offset i // 4. An empty line is an empty value, which is no tombstone.

Nothing here is shared with the plugins or their SDK: where the two agree, both are right or both misread the rules.

The rules
1. level-filter {"minimum": "info", "check": true}
   - A value that `serde_json::from_slice::<Value>` refuses is a dead letter. Beside the grammar of RFC 8259 that is:
     bytes that are not UTF-8, a byte order mark, a lone surrogate escape, more than 127 arrays and objects in each
     other, and a number that is infinite as a double (serde_json rounds otherwise in the last digit of the largest
     double; numbers so close to it do not occur).
   - The level is the string at the key "Type", the last one if there are several, in any case: trace < debug < info <
     warn < error < fatal, and "warning" and "err" are warn and error. Below info the record is dropped. A value that
     is no object, no "Type", one that is no string and one that names no level: kept. Nothing is trimmed.
2. enrich {"set": {"env": "prod"}, "level": {"from": "/Type", "to": "/level"}, "timestamp": {"from": "/Time",
   "zone": "Asia/Shanghai", "to": "/@timestamp"}}
   - A value that is not an object is a dead letter.
   - "env" becomes "prod".
   - "level" becomes the string at "Type" in lower case, whether or not it names a level (an alias stays an alias);
     without a string at "Type" it is left as it is.
   - "@timestamp" becomes the string at "Time" as RFC 3339 with the offset of the zone. A time is exactly
     YYYY-MM-DD HH:MM:SS in ASCII digits, a day of the calendar, 00:00:00 to 23:59:59 (no leap second); for anything
     else the key is left as it is. A local time that a change of the clock left out is as much later as the gap is
     long, one that occurs twice is the first. Times before 1901, when the zone had no whole minutes, do not occur.
   - A key that is there has the value of its last duplicate replaced where it stands; the others are appended before
     the last brace, in the order above, as `,"key":value` (the comma only if the object has members). Strings are
     written with the shortest escapes and no escape that JSON does not ask for. Every other byte stays.
"""

import argparse
import collections
import datetime
import functools
import json
import math
import pathlib
import re
import sys
import zoneinfo

LEVELS = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "warning": 3, "error": 4, "err": 4, "fatal": 5}
MINIMUM = LEVELS["info"]
ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
LEVELS_DEEP_MAX = 127

DROPPED, DEAD = "dropped", "dead"

WHITE_SPACE = re.compile(r"[ \t\n\r]*")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
MAYBE_HUGE = re.compile(r"[0-9][eE]|[0-9]{300}")
MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")


def refuse(what):
    """For the constants NaN and Infinity, which Python takes for JSON."""
    raise ValueError(what)


DECODER = json.JSONDecoder(parse_constant=refuse)


def parse(raw):
    """The text and the value of `raw`; a ValueError where serde_json refuses it."""
    text = raw.decode("utf-8")
    if raw.count(b"[") + raw.count(b"{") > LEVELS_DEEP_MAX and depth(text) > LEVELS_DEEP_MAX:
        raise ValueError("too deep")
    value = DECODER.decode(text)
    if MAYBE_HUGE.search(text) and any(math.isinf(float(n)) for n in NUMBER.findall(STRING.sub('""', text))):
        raise ValueError("number out of range")
    if MAYBE_SURROGATE.search(text):
        for string in STRING.findall(text):
            json.loads(string).encode("utf-8")  # Python keeps a lone surrogate until it must be encoded
    return text, value


def depth(text):
    """The most arrays and objects in each other, if `text` is JSON."""
    deepest = now = 0
    for character in STRING.sub("", text):
        if character in "[{":
            now += 1
            deepest = max(deepest, now)
        elif character in "]}":
            now -= 1
    return deepest


def places(text):
    """Where the value of each key of the object `text` stands; for a duplicate the last one."""
    found = {}
    at = WHITE_SPACE.match(text, text.index("{") + 1).end()
    while text[at] != "}":
        key, at = DECODER.raw_decode(text, at)
        at = WHITE_SPACE.match(text, at).end() + 1  # the colon
        start = WHITE_SPACE.match(text, at).end()
        _, at = DECODER.raw_decode(text, start)
        found[key] = (start, at)
        at = WHITE_SPACE.match(text, at).end()
        if text[at] == ",":
            at = WHITE_SPACE.match(text, at + 1).end()
    return found


def splice(text, members):
    """The object `text` with `members` set: replaced where they stand, or appended."""
    found = places(text)
    end = text.rindex("}")
    edits = []
    has_members = bool(found)
    for key, value in members.items():
        if key in found:
            edits.append((*found[key], value))
        else:
            comma = "," if has_members else ""
            edits.append((end, end, f"{comma}{quoted(key)}:{value}"))
            has_members = True
    # from the back, so that no edit moves the place of another one; those at `end` keep their order
    for start, stop, value in sorted(reversed(edits), key=lambda edit: edit[0], reverse=True):
        text = text[:start] + value + text[stop:]
    return text


def quoted(string):
    """`string` as JSON."""
    return json.dumps(string, ensure_ascii=False)


@functools.lru_cache(maxsize=65536)
def timestamp(time):
    """`time`, local in the zone, as RFC 3339; None if it is no time."""
    match = TIME.fullmatch(time)
    if not match:
        return None
    try:
        local = datetime.datetime(*map(int, match.groups()), tzinfo=ZONE)
        # by way of UTC: a local time that a change of the clock left out becomes one that there is
        return local.astimezone(datetime.timezone.utc).astimezone(ZONE).isoformat()
    except (ValueError, OverflowError):
        return None


def fate(raw):
    """What becomes of one value: the bytes that are written, or DROPPED, or DEAD."""
    try:
        text, value = parse(raw)
    except ValueError:
        return DEAD
    if not isinstance(value, dict):
        return DEAD
    members = {"env": quoted("prod")}
    kind = value.get("Type")
    if isinstance(kind, str):
        if LEVELS.get(kind.lower(), MINIMUM) < MINIMUM:
            return DROPPED
        members["level"] = quoted(kind.lower())
    time = value.get("Time")
    if isinstance(time, str) and (stamp := timestamp(time)) is not None:
        members["@timestamp"] = quoted(stamp)
    return splice(text, members).encode("utf-8")


def work_out(lines, folder, partitions):
    """Writes what becomes of `lines` under `folder`; returns the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = collections.Counter(records=0, written=0, dropped=0, dead=0)
    dead = []
    outputs = [open(folder / f"partition-{partition}.ndjson", "wb") for partition in range(partitions)]
    offsets = [open(folder / f"partition-{partition}.offsets", "w") for partition in range(partitions)]
    for index, line in enumerate(lines):
        partition, offset = index % partitions, index // partitions
        result = fate(line.removesuffix(b"\n"))
        summary["records"] += 1
        if result is DROPPED:
            summary["dropped"] += 1
        elif result is DEAD:
            summary["dead"] += 1
            dead.append((partition, offset))
        else:
            summary["written"] += 1
            outputs[partition].write(result + b"\n")
            offsets[partition].write(f"{offset}\n")
    for output in outputs + offsets:
        output.close()
    (folder / "dead.txt").write_text("".join(f"{partition} {offset}\n" for partition, offset in sorted(dead)))
    return dict(summary)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--partitions", type=int, default=4)
    arguments = parser.parse_args()
    lines = sys.stdin.buffer if arguments.input == "-" else open(arguments.input, "rb")
    with lines:
        print(json.dumps(work_out(lines, arguments.folder, arguments.partitions)))


if __name__ == "__main__":
    main()
