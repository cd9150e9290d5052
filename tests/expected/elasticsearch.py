#!/usr/bin/env python3
"""Which records Elasticsearch takes into an index whose mapping has no type for any of their fields.

usage: elasticsearch.py < in.ndjson > out.ndjson

Reads records, one JSON object a line, and writes "true" or "false" for each. Nothing here is shared with the sink.

The rule: no object in it has two fields of one name.
"""

import json
import sys


class Refused(Exception):
    pass


def fields(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused
    return found


DECODER = json.JSONDecoder(object_pairs_hook=fields)


def is_taken(line):
    try:
        DECODER.decode(line)
    except Refused:
        return False
    return True


def main():
    for line in sys.stdin.buffer.read().decode("utf-8").split("\n")[:-1]:
        print(json.dumps(is_taken(line)))


if __name__ == "__main__":
    main()
