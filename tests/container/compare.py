#!/usr/bin/env python3
"""Compares what Elasticsearch has with what was sent to Kafka: each record once, under its id, in the index of its day.

usage: compare.py HOST:PORT INDEXES PARTITION…

PARTITION is a file for each partition in order, with its records, one a line in the order of their offsets. The ids are
`source/topic/partition/offset/0`. A document has the fields of its record, `@version` and `@timestamp`, and no others.
Nothing here is shared with Tamis. Exits with 1 where anything differs.
"""

import datetime
import json
import sys
import urllib.request

PAGE = 10_000
ZONE = datetime.timezone(datetime.timedelta(hours=8))


def ask(server, path, body):
    request = urllib.request.Request(
        f"http://{server}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def hits(server, indexes):
    """All documents, however many there are."""
    page = ask(server, f"{indexes}/_search?scroll=1m", {"size": PAGE, "sort": ["_doc"]})
    while page["hits"]["hits"]:
        yield from page["hits"]["hits"]
        page = ask(server, "_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})


def expected(line):
    record = json.loads(line)
    time = datetime.datetime.strptime(record["Time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
    day = time.astimezone(datetime.timezone.utc).strftime("msproject_log-%Y.%m.%d")
    return day, {**record, "@version": "1", "@timestamp": time.isoformat()}


def main():
    server, indexes, *files = sys.argv[1:]
    wanted = {}
    for partition, path in enumerate(files):
        with open(path, encoding="utf-8") as lines:
            for offset, line in enumerate(lines):
                wanted[partition, offset] = expected(line)
    sent, wrong, seen = len(wanted), [], set()
    for hit in hits(server, indexes):
        _source, topic, partition, offset, number = hit["_id"].split("/")
        place = int(partition), int(offset)
        if topic != "msproject_log" or number != "0" or place not in wanted:
            wrong.append(f"{hit['_id']} was never sent")
        elif place in seen:
            wrong.append(f"{hit['_id']} is there twice")
        elif (hit["_index"], hit["_source"]) != wanted[place]:
            wrong.append(f"{hit['_id']} is {hit['_index']} {hit['_source']}, and not {wanted[place]}")
        seen.add(place)
    wrong += [f"partition {place[0]}, offset {place[1]} is missing" for place in wanted if place not in seen]
    for line in wrong[:10]:
        print(line, file=sys.stderr)
    print(f"{sent} sent, {len(seen)} there, {len(wrong)} wrong")
    return 1 if wrong or not sent else 0


if __name__ == "__main__":
    sys.exit(main())
