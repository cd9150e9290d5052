"""What the plugin decides is in the answer, in the form of the contract."""

import unittest

from tamis_sdk import ConfigError, EditError, Fate, LogLevel, Metadata, Output, Plugin, Reject, export_plugin
from tamis_sdk import batch as flat
from tamis_sdk import is_in_sample, now_ms, text_hash
from tamis_sdk import plugin as plugins
from tamis_sdk.id import id_hash, is_below
from tamis_sdk.testing import TestOutput, TestRecord, configure, decode, effects, flat_batch, run, set_now_ms

ALL = Metadata.KEY | Metadata.HEADERS | Metadata.TIMESTAMP | Metadata.POSITION


def deciding(decide, wants=Metadata(0)):
    """A plugin that does as `decide` says."""
    return type("Deciding", (Plugin,), {"wants": wants, "process": lambda self, record: decide(record)})


def fates(decide, *records, wants=Metadata(0)):
    return run(deciding(decide, wants), {}, records)


class Fates(unittest.TestCase):
    def test_a_record_that_nothing_is_set_on_is_kept_as_it_is(self):
        def decide(record):
            record.remove("/nothing")
            return Fate.KEEP

        answer = flat.process(deciding(decide)({}), flat_batch(Metadata(0), [TestRecord("{}"), TestRecord("{ }")]))
        self.assertEqual((answer.fates, answer.rows, answer.bytes), (b"\0\0", [], b""))

    def test_each_fate_has_its_number(self):
        def decide(record):
            return {b"k": Fate.KEEP, b"d": Fate.DROP, b"e": Fate.emit(), b"r": Fate.reject("why")}[record.value]

        answer = flat.process(deciding(decide)({}), flat_batch(Metadata(0), [TestRecord(it) for it in "kder"]))
        self.assertEqual(answer.fates, bytes([0, 1, 1, 3]))
        self.assertEqual((answer.rows, answer.bytes), ([3, 3, -1, -1, -1], b"why"))

    def test_what_is_set_shows_and_the_rest_stays(self):
        def decide(record):
            record.set("/b", 2)
            record.set_key("key")
            record.set_timestamp_ms(9)
            record.route("there")
            return Fate.KEEP

        record = TestRecord('{"a":1}', headers=[("h", None)], timestamp_ms=5)
        (fate,) = fates(decide, record, wants=ALL)
        self.assertEqual(fate.outputs, [TestOutput(b'{"a":1,"b":2}', b"key", [("h", None)], 9, "there")])

    def test_a_value_that_is_set_as_a_whole_counts_more_than_edits(self):
        def decide(record):
            record.set("/b", 2)
            if record.get("/bytes"):
                record.set_value("text")
            else:
                record.set_tombstone()
            return Fate.KEEP

        text, none = fates(decide, '{"bytes":true}', "{}")
        self.assertEqual((text.value, none.outputs[0].value), ("text", None))

    def test_a_value_that_was_set_as_a_whole_cannot_be_edited(self):
        def decide(record):
            if record.get("/bytes"):
                record.set_value('{"new":1}')
            else:
                record.set_tombstone()
            for edit in [lambda: record.set("/b", 2), lambda: record.remove("/bytes")]:
                with self.assertRaisesRegex(EditError, "set as a whole before"):
                    edit()
            return Fate.KEEP

        text, none = fates(decide, '{"bytes":true}', "{}")
        self.assertEqual((text.value, none.outputs[0].value), ('{"new":1}', None))

    def test_a_value_is_a_text_or_bytes(self):
        for value in [b"ab", "ab", bytearray(b"ab"), memoryview(b"xaxb")[1::2]]:
            (fate,) = fates(lambda record: record.set_value(value) or Fate.KEEP, "{}")
            self.assertEqual(fate.value, "ab")
        for wrong in [5, True, None, 1.5, [97], {}]:
            with self.assertRaises(TypeError, msg=wrong):
                fates(lambda record: record.set_value(wrong), "{}")

    def test_outputs_have_what_they_are_given_and_else_what_the_record_has(self):
        def decide(record):
            return Fate.emit(
                Output(),
                Output("new", key=None, headers=[], timestamp_ms=3, route="r"),
                Output(None, key=b"k", headers=[("a", b""), ("ä", None)]),
            )

        record = TestRecord(b"old", b"key", [("h", b"v")], 7)
        kept, new, tombstone = fates(decide, record, wants=ALL)[0].outputs
        self.assertEqual(kept, TestOutput(b"old", b"key", [("h", b"v")]))
        self.assertEqual(new, TestOutput(b"new", None, [], 3, "r"))
        self.assertEqual(tombstone, TestOutput(None, b"k", [("a", b""), ("ä", None)]))

    def test_rows_that_are_given_no_time_have_their_records(self):
        def decide(record):
            return Fate.emit(Output(timestamp_ms=1), Output()) if record.value == b"a" else Fate.reject("no")

        records = [TestRecord(it, timestamp_ms=time) for it, time in [("b", 5), ("a", 6), ("b", None)]]
        answer = flat.process(deciding(decide, ALL)({}), flat_batch(ALL, records))
        self.assertEqual(answer.timestamps, [5, 1, 6, -1])
        self.assertEqual([it.name for it in decode(answer, records)], ["reject", "emit", "reject"])

    def test_reject_can_be_raised_from_anywhere(self):
        def decide(record):
            record.json()
            raise Reject("deep below")

        broken, valid, tombstone = fates(decide, "{", "{}", TestRecord(None))
        self.assertTrue(broken.reason.startswith("invalid JSON: "), broken.reason)
        self.assertEqual((valid.reason, tombstone.reason), ("deep below", "invalid JSON: a tombstone"))

    def test_get_finds_nothing_in_what_is_no_json(self):
        for value in ["{", None, "[]", "1"]:
            (fate,) = fates(lambda record: Fate.reject(str(record.get("/a", "nothing"))), TestRecord(value))
            self.assertEqual(fate.reason, "nothing")

    def test_to_get_what_is_no_pointer_is_an_error_whatever_the_value_is(self):
        for value in ["{}", "{", None, "[]", "1"]:
            with self.assertRaisesRegex(ValueError, "'a' is no JSON pointer"):
                fates(lambda record: record.get("a"), TestRecord(value))
            (fate,) = fates(lambda record: record.set("a", 1), TestRecord(value))
            self.assertEqual(fate.name, "reject")

    def test_what_is_no_fate_is_an_error(self):
        for wrong in [None, True, "keep"]:
            with self.assertRaisesRegex(TypeError, "no fate"):
                fates(lambda record: wrong, "{}")

    def test_an_empty_batch_has_an_empty_answer(self):
        self.assertEqual(fates(lambda record: Fate.DROP), [])

    def test_answers_agree_in_batches_of_any_size(self):
        def decide(record):
            kind = record.offset % 4
            if kind == 0:
                return Fate.emit(Output("x" * record.offset), Output())
            if kind == 1:
                record.set("/n", record.offset)
            return Fate.DROP if kind == 2 else Fate.KEEP

        records = [TestRecord(f'{{"i":{index}}}', key=str(index), timestamp_ms=index) for index in range(40)]
        whole = flat_batch(ALL, records)
        plugin = deciding(decide, ALL)({})
        expected = decode(flat.process(plugin, whole), records)
        for size in [1, 3, 7]:
            parts = []
            for at in range(0, len(records), size):
                part = flat_batch(ALL, records[at : at + size])
                part.offsets = whole.offsets[at : at + size]
                parts += decode(flat.process(plugin, part), records[at : at + size])
            self.assertEqual(parts, expected)


class Reading(unittest.TestCase):
    def test_all_of_a_record_is_there_for_who_asks(self):
        seen = []

        def decide(record):
            seen.append((record.value, record.key, record.headers, record.timestamp_ms, record.source, record.topic))
            seen.append((record.partition, record.offset, record.number, record.header("a")))
            return Fate.KEEP

        records = [TestRecord("v", "k", [("a", b"1"), ("a", b"2")], 5), TestRecord(None), TestRecord("", "")]
        fates(decide, *records, wants=ALL)
        self.assertEqual(seen[0], (b"v", b"k", [("a", b"1"), ("a", b"2")], 5, "source", "topic"))
        self.assertEqual(seen[1], (0, 0, 0, b"2"))
        self.assertEqual(seen[2], (None, None, [], None, "source", "topic"))
        self.assertEqual(seen[4][:3], (b"", b"", []))
        self.assertEqual(seen[5][:3], (0, 2, 0))

    def test_what_is_not_asked_for_is_an_error_that_names_it(self):
        for name, read in [
            ("KEY", lambda it: it.key),
            ("HEADERS", lambda it: it.headers),
            ("TIMESTAMP", lambda it: it.timestamp_ms),
            ("TIMESTAMP", lambda it: it.set_timestamp_ms(1)),
            ("POSITION", lambda it: it.offset),
            ("POSITION", lambda it: it.is_sampled(0.5)),
        ]:
            with self.assertRaisesRegex(RuntimeError, f"Metadata.{name}"):
                fates(read, "{}")

    def test_the_hash_is_that_of_the_other_sdks(self):
        self.assertEqual(id_hash("kafka", "msproject_log", 3, 42, 0), 1_062_688_388_849_495_375)
        low = sum(is_below(id_hash("kafka", "msproject_log", 0, offset, 0), 0.1) for offset in range(20_000))
        self.assertTrue(1_850 < low < 2_150, low)
        self.assertEqual([is_in_sample("a", share) for share in (0, 1)], [False, True])
        self.assertEqual(is_in_sample("ä", 0.5), is_in_sample("ä".encode(), 0.5))
        # The same are in the tests of the SDK in JavaScript.
        for text, same, expected in [
            ("a\ud800b", "a\ufffdb", 9_026_146_419_720_272_397),
            ("\udc00\ud800", "\ufffd\ufffd", 7_229_388_690_154_253_461),
            ("\ud83d\ude00", "😀", 13_672_324_803_493_586_288),
            ("\ud800\ud83d\ude00\udc00", "\ufffd😀\ufffd", 14_298_423_178_744_564_175),
        ]:
            self.assertEqual((text_hash(text), text_hash(same)), (expected, expected), ascii(text))

    def test_the_clock_is_there_where_it_was_set(self):
        before = plugins.clock[0]
        with self.assertRaisesRegex(RuntimeError, "uses = "):
            now_ms()
        set_now_ms(7)
        self.assertEqual(now_ms(), 7)
        plugins.clock[0] = before


class Telling(unittest.TestCase):
    def test_sums_and_lines_are_in_the_answer(self):
        def decide(record):
            record.count("seen")
            record.count("bytes", len(record.value))
            record.count("none", 0)
            if record.value == b"bb":
                record.log(LogLevel.WARN, "zwei ä")
            return Fate.DROP

        told = effects(deciding(decide), {}, ["a", "bb"])
        self.assertEqual(told.counts, {"seen": 2, "bytes": 3})
        self.assertEqual(told.lines, [(LogLevel.WARN, 1, "zwei ä")])

    def test_names_amounts_and_lines_have_limits(self):
        for name, amount in [("", 1), ("Seen", 1), ("a" * 65, 1), ("é", 1), ("a\n", 1), ("a", -1)]:
            with self.assertRaises(ValueError, msg=name):
                fates(lambda record: record.count(name, amount), "{}")

        def much(record):
            record.count("much", 2**64 - 1)
            record.log(LogLevel.DEBUG, "a" + "é" * 1_000)
            return Fate.KEEP

        told = effects(deciding(much), {}, ["{}"] * 130)
        self.assertEqual(told.counts, {"much": 2**64 - 1})
        self.assertEqual(len(told.lines), 130)
        self.assertEqual(told.lines[127][2], "a" + "é" * 511)
        self.assertEqual(told.lines[128][2], "")


class Settings(unittest.TestCase):
    SCHEMA = {
        "type": "object",
        "additionalProperties": False,
        "required": ["mode"],
        "properties": {
            "mode": {"enum": ["a", "b"], "description": "which"},
            "share": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
            "names": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2},
            "by": {"type": "object", "additionalProperties": {"type": "integer"}},
            "flag": {"type": ["boolean", "null"]},
        },
    }

    def plugin(self, schema):
        def init(plugin, settings):
            plugin.taken = settings

        return type("WithSettings", (Plugin,), {"settings": schema, "__init__": init})

    def test_defaults_are_put_in(self):
        plugin = configure(self.plugin(self.SCHEMA), {"mode": "a", "by": {"x": 2}})
        self.assertEqual(plugin.taken, {"mode": "a", "share": 0.5, "by": {"x": 2}})

    def test_what_does_not_fit_is_named_by_its_field(self):
        for settings, field, message in [
            ({}, "/mode", "is missing"),
            ([], "", "must be an object"),
            ({"mode": "c"}, "/mode", "must be one of a, b"),
            ({"mode": "a", "share": 2}, "/share", "must be at most 1"),
            ({"mode": "a", "share": True}, "/share", "must be a number"),
            ({"mode": "a", "names": ["x", ""]}, "/names/1", "must be at least 1 characters"),
            ({"mode": "a", "names": ["x", "y", "z"]}, "/names", "must be at most 2 elements"),
            ({"mode": "a", "by": {"a/b": 1.5}}, "/by/a~1b", "must be an integer"),
            ({"mode": "a", "flag": 1}, "/flag", "must be a boolean or null"),
            ({"mode": "a", "mod": 1}, "/mod", "is unknown; there are mode, share, names, by, flag"),
        ]:
            with self.assertRaises(ConfigError, msg=settings) as refused:
                configure(self.plugin(self.SCHEMA), settings)
            self.assertEqual((refused.exception.field, refused.exception.message), (field, message))

    def test_a_plugin_without_settings_takes_none(self):
        with self.assertRaises(ConfigError) as refused:
            configure(Plugin, {"a": 1})
        self.assertEqual(refused.exception.field, "/a")

    def test_a_schema_whose_words_would_not_be_heeded_is_refused(self):
        for schema in [
            {"type": "object", "patternProperties": {}},
            {"properties": {"a": {"oneOf": []}}},
            {"type": "text"},
            {"items": {"pattern": "a"}},
        ]:
            with self.assertRaises(ValueError, msg=schema):
                configure(self.plugin(schema), {})

    def test_only_a_plugin_can_be_exported(self):
        before = list(plugins.exported)
        with self.assertRaises(TypeError):
            export_plugin(dict)
        chosen = export_plugin(deciding(lambda record: Fate.KEEP))
        self.assertEqual(plugins.exported, [chosen])
        plugins.exported[:] = before


if __name__ == "__main__":
    unittest.main()
