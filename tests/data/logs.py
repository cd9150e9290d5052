#!/usr/bin/env python3
"""Log records in the fleet's format, one JSON object a line, about 244 bytes each.

usage: logs.py [COUNT=2000000] [--seed N] [--odd] [--shares] > in.ndjson

The output is always the same for the same arguments. As it is, 30 % of the records are of type Debug, and a filter
from Info upwards keeps 1,400,376 of 2,000,000. With --odd the records are what real fleets send (see odd.py), broken
ones included; a record never holds a line feed, so a line stays a record. --shares tells on the standard error how
many records have which oddity.
"""

import argparse
import collections
import json
import random
import sys

import odd

TYPES = ["Info"] * 50 + ["Debug"] * 30 + ["Error"] * 20
ACTIONS = ["login", "logout", "checkout", "search", "add_to_cart", "payment", "refund", "view_item"]
FUNCTIONS = ["auth.Login", "cart.Add", "order.Checkout", "pay.Charge", "search.Query", "user.Profile"]
WORDS = (
    "request completed upstream timeout retry cache miss hit user session token expired payment gateway accepted "
    "rejected order item quantity stock reserved"
).split()
LINES_PER_WRITE = 20_000


def fields(r, index):
    """The fields of record `index` in their usual order, each value as JSON text."""
    kind = TYPES[r.randrange(100)]
    second = index // 1000
    time = "2023-01-%02d %02d:%02d:%02d" % (
        18 + second // 86400,
        12 + (second // 3600) % 12,
        (second // 60) % 60,
        second % 60,
    )
    message = " ".join(r.choices(WORDS, k=11))
    # the order of the draws is part of the format: it decides the bytes
    action = r.choice(ACTIONS)
    field = '{"user_id":%d,"ip":"10.%d.%d.%d","latency_ms":%d.%d}' % (
        r.randrange(10**6),
        r.randrange(256),
        r.randrange(256),
        r.randrange(256),
        r.randrange(2000),
        r.randrange(1, 10),
    )
    return [
        ("Type", '"%s"' % kind),
        ("Action", '"%s"' % action),
        ("Time", '"%s"' % time),
        ("Msg", '"%s"' % message),
        ("Field", field),
        ("FuncName", '"%s"' % r.choice(FUNCTIONS)),
    ]


def usual(members):
    """The record as the fleet's loggers write it."""
    return ("{" + ",".join('"%s":%s' % member for member in members) + "}").encode()


def records(count, seed, is_odd, oddities):
    """`count` records; the names of what is odd about them are counted in `oddities`."""
    r = random.Random(seed)
    # a generator of its own, so that the usual parts are the same with and without --odd
    odd_r = random.Random(seed + 1)
    for index in range(count):
        members = fields(r, index)
        yield odd.record(odd_r, members, oddities) if is_odd else usual(members)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--odd", action="store_true")
    parser.add_argument("--shares", action="store_true")
    arguments = parser.parse_args()

    oddities = collections.Counter()
    lines = []
    for record in records(arguments.count, arguments.seed, arguments.odd, oddities):
        lines.append(record + b"\n")
        if len(lines) == LINES_PER_WRITE:
            sys.stdout.buffer.write(b"".join(lines))
            lines.clear()
    sys.stdout.buffer.write(b"".join(lines))
    if arguments.shares:
        shares = {name: number / arguments.count for name, number in sorted(oddities.items())}
        print(json.dumps({"records": arguments.count, "shares": shares}), file=sys.stderr)


if __name__ == "__main__":
    main()
