"""Asks a server that speaks the wire protocol of MongoDB, by a client that shares nothing with that of Tamis.

usage: mongo.py ADDRESS run DATABASE COMMAND    the answer to COMMAND (extended JSON), in one line
       mongo.py ADDRESS read DATABASE           every document of every collection, one a line:
                                                {"collection": NAME, "document": …}
ADDRESS is host:port, or a URI. Documents and answers are canonical extended JSON, which tells an int64 from a double.
"""

import sys

from bson import json_util
from bson.codec_options import CodecOptions
from pymongo import MongoClient

CANONICAL = json_util.CANONICAL_JSON_OPTIONS


def show(value):
    sys.stdout.write(json_util.dumps(value, json_options=CANONICAL, ensure_ascii=False) + "\n")


def run(database, command):
    show(database.command(json_util.loads(command, json_options=CANONICAL), check=False))


def read(database):
    kept = [it for it in database.list_collections() if it["type"] != "view" and not it["name"].startswith("system.")]
    for name in sorted(it["name"] for it in kept):
        for document in database[name].find():
            show({"collection": name, "document": document})


def main(address, what, name, *rest):
    uri = address if "://" in address else f"mongodb://{address}/?directConnection=true"
    # int64 stays int64
    options = CodecOptions(tz_aware=True)
    client = MongoClient(uri, serverSelectionTimeoutMS=60_000)
    database = client.get_database(name, codec_options=options)
    {"run": run, "read": read}[what](database, *rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
