#!/usr/bin/env python3
"""What documents records become, worked out a second time from the rules alone.

usage: mongodb.py < in.ndjson > out.ndjson

Reads records, one JSON object a line, and writes for each a line: its fields as canonical extended JSON, as MongoDB's own tools
print them, or the word "refused". Nothing here is shared with the sink.

The rules (docs/mongodb.md)
- A whole number of 64 bits is an int64; "-0" is none.
- Any other number is a double if the shortest form of that double is the same number, else a string as it was written.
- Of the fields of one name the last one counts.
- A record is refused that has a field "_id" at its top, a zero byte in the name of a field, or more than 100 levels.
"""

import decimal
import json
import math
import sys

LEVELS_MAX = 100
INT64 = range(-(2**63), 2**63)


class Refused(Exception):
    pass


def whole(text):
    if text != "-0" and int(text) in INT64:
        return {"$numberLong": str(int(text))}
    return double(text)


def double(text):
    number = float(text)
    # exact: neither is a rounded form of the other
    if math.isfinite(number) and decimal.Decimal(repr(number)) == decimal.Decimal(text):
        return {"$numberDouble": repr(number)}
    return text


def fields(pairs):
    if any("\0" in name for name, _ in pairs):
        raise Refused
    return dict(pairs)


def levels(value):
    if isinstance(value, dict) and not is_number(value):
        return 1 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels, value), default=0)
    return 0


def is_number(value):
    return len(value) == 1 and next(iter(value)) in ("$numberLong", "$numberDouble")


DECODER = json.JSONDecoder(parse_int=whole, parse_float=double, object_pairs_hook=fields)


def document(line):
    try:
        made = DECODER.decode(line)
    except Refused:
        return "refused"
    if "_id" in made or levels(made) > LEVELS_MAX:
        return "refused"
    return made


def main():
    for line in sys.stdin.buffer.read().decode("utf-8").split("\n")[:-1]:
        made = json.dumps(document(line), ensure_ascii=False)
        sys.stdout.buffer.write(made.encode("utf-8") + b"\n")


if __name__ == "__main__":
    main()
