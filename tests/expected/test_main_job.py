"""The rules that main_job.py states, case by case; and the whole of it on real records."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import main_job
from main_job import DEAD, DROPPED

LOGS = pathlib.Path(__file__).parents[1] / "data" / "logs.py"
PROD = '"env":"prod"'


class Fate(unittest.TestCase):
    def check(self, value, expected):
        raw = value if isinstance(value, bytes) else value.encode()
        if expected not in (DROPPED, DEAD):
            expected = expected.encode()
        with self.subTest(value=value[:80]):
            self.assertEqual(main_job.fate(raw), expected)

    def test_levels_below_info_are_dropped(self):
        for level in ("trace", "debug", "Debug", "TRACE"):
            self.check(f'{{"Type":"{level}"}}', DROPPED)
        for level in ("info", "Info", "warn", "WARNING", "err", "error", "fatal", "notice", " debug", ""):
            self.check(f'{{"Type":"{level}"}}', f'{{"Type":"{level}",{PROD},"level":"{level.lower()}"}}')

    def test_a_level_that_is_no_string_or_not_there_is_kept(self):
        for members in ('"Type":3', '"Type":["debug"]', '"Type":null', '"type":"debug"', '"Field":{"Type":"debug"}'):
            self.check(f"{{{members}}}", f"{{{members},{PROD}}}")

    def test_the_last_duplicate_counts(self):
        self.check('{"Type":"debug","Type":"info"}', f'{{"Type":"debug","Type":"info",{PROD},"level":"info"}}')
        self.check('{"Type":"info","Type":"debug"}', DROPPED)
        self.check(r'{"Type":"info","\u0054ype":"debug"}', DROPPED)
        self.check('{"Type":"debug","Type":1}', f'{{"Type":"debug","Type":1,{PROD}}}')

    def test_members_are_appended_before_the_last_brace(self):
        self.check("{}", f"{{{PROD}}}")
        self.check(" { }\t", f" {{ {PROD}}}\t")
        self.check('{"a":"}" }\r', f'{{"a":"}}" ,{PROD}}}\r')
        self.check('{"a":{"b":1}}', f'{{"a":{{"b":1}},{PROD}}}')

    def test_a_key_that_is_there_has_its_last_value_replaced_in_place(self):
        self.check('{"env" : {"a":[1]} ,"b":2}', '{"env" : "prod" ,"b":2}')
        self.check('{"env":1,"b":2,"env":3}', '{"env":1,"b":2,"env":"prod"}')
        self.check(
            r'{"l\u0065vel":"x","Type":"Error"}',
            rf'{{"l\u0065vel":"error","Type":"Error",{PROD}}}',
        )
        self.check(
            '{"@timestamp":0,"env":0,"level":0,"Type":"err","Time":"2023-01-18 12:00:00"}',
            '{"@timestamp":"2023-01-18T12:00:00+08:00","env":"prod","level":"err","Type":"err",'
            '"Time":"2023-01-18 12:00:00"}',
        )

    def test_strings_are_written_with_no_needless_escape(self):
        self.check(
            r'{"Type":"\u8B66\"\/\n\u001F"}',
            r'{"Type":"\u8B66\"\/\n\u001F",' + PROD + r',"level":"警\"/\n\u001f"}',
        )

    def test_a_time_becomes_a_timestamp_with_the_offset_of_its_zone(self):
        for time, expected in {
            "2023-01-18 12:00:00": "2023-01-18T12:00:00+08:00",
            "2024-02-29 23:59:59": "2024-02-29T23:59:59+08:00",
            # the summer time of 1986 began at 2 o'clock on the 4th of May and ended on the 14th of September
            "1986-07-01 00:00:00": "1986-07-01T00:00:00+09:00",
            "1986-05-04 02:30:00": "1986-05-04T03:30:00+09:00",
            "1986-09-14 01:30:00": "1986-09-14T01:30:00+09:00",
        }.items():
            self.check(f'{{"Time":"{time}"}}', f'{{"Time":"{time}",{PROD},"@timestamp":"{expected}"}}')

    def test_an_absurd_time_is_left_alone(self):
        for time in (
            "2023-02-29 12:00:00",
            "0000-01-01 00:00:00",
            "2023-01-18 24:00:00",
            "2023-01-18 12:00:60",
            "2023-01-18T12:00:00",
            "2023-1-18 12:00:00",
            "+023-01-18 12:00:00",
            "2023-01-18 12:00:00 ",
            "２０２３-01-18 12:00:00",
            "",
        ):
            self.check(f'{{"Time":"{time}"}}', f'{{"Time":"{time}",{PROD}}}')
        self.check('{"Time":1674014400}', f'{{"Time":1674014400,{PROD}}}')

    def test_what_is_no_object_is_a_dead_letter(self):
        for value in ("[1]", '"text"', "42", "null", "true", ' ["debug"] '):
            self.check(value, DEAD)

    def test_what_serde_json_refuses_is_a_dead_letter(self):
        for value in (
            "",
            " ",
            "{",
            '{"a":1,}',
            "{'a':1}",
            '{"a":1} x',
            "{}{}",
            "\ufeff{}",
            "\u00a0{}",
            "\x0c{}",
            b'{"a":"\xff"}',
            b'{"a":"\xed\xa0\x80"}',
            b'{"a":"\xc0\xaf"}',
            '{"a":"\t"}',
            '{"a\x00":1}',
            r'{"a":"\x41"}',
            r'{"a":"\u12g4"}',
            r'{"a":"\ud800"}',
            r'{"a":"\ude00\ud83d"}',
            r'{"a":"\ud800","a":1}',
            r'{"\udc00":1}',
            '{"a":NaN}',
            '{"a":-Infinity}',
            '{"a":01}',
            '{"a":-}',
            '{"a":1.}',
            '{"a":.5}',
            '{"a":+1}',
            '{"a":1e}',
            '{"a":1e999}',
            '{"a":-1E309}',
            '{"a":' + "9" * 400 + "}",
            '{"a":' + "9" * 5000 + "}",
            '{"a":' + "[" * 127 + "]" * 127 + "}",
            '{"a":' * 10_000,
        ):
            self.check(value, DEAD)

    def test_what_serde_json_takes_goes_on(self):
        for members in (
            r'"a":"\ud83d\uDE00\u0000"',
            '"a":-0,"b":-0.0,"c":1e308,"d":1e-999,"e":0e999',
            '"a":"1e999 [[[[ \x7f"',
            '"a":' + "[" * 126 + "]" * 126,
            '"a":"' + "{" * 500 + '"',
            '"":{"":{}}',
        ):
            self.check(f"{{{members}}}", f"{{{members},{PROD}}}")


class Job(unittest.TestCase):
    def test_real_records_come_out_in_order_and_nothing_is_lost(self):
        records = subprocess.run([sys.executable, LOGS, "5003", "--odd"], capture_output=True, check=True).stdout
        fates = [main_job.fate(record) for record in records.split(b"\n")[:-1]]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            done = subprocess.run(
                [sys.executable, main_job.__file__, "-", folder], input=records, capture_output=True, check=True
            )
            summary = json.loads(done.stdout)
            for partition in range(4):
                written = [fate + b"\n" for fate in fates[partition::4] if fate not in (DROPPED, DEAD)]
                self.assertEqual((folder / f"partition-{partition}.ndjson").read_bytes(), b"".join(written))
            dead = [tuple(map(int, line.split())) for line in (folder / "dead.txt").read_text().splitlines()]
        self.assertEqual(dead, sorted((i % 4, i // 4) for i, fate in enumerate(fates) if fate is DEAD))
        self.assertEqual(summary["records"], 5003)
        self.assertEqual(summary["dead"], len(dead))
        self.assertEqual(summary["written"] + summary["dropped"] + summary["dead"], 5003)
        self.assertTrue(min(summary.values()) > 0)


class Splice(unittest.TestCase):
    def test_the_result_parses_to_the_object_with_the_members_set(self):
        members = {"env": '"prod"', "level": '"info"', "@timestamp": "null"}
        for text in ("{}", '{"level":[{"level":1}],"env":2,"level":{},"x":"}"}', ' {"a" : 1 , "@timestamp" : 2 } '):
            with self.subTest(text=text):
                expected = json.loads(text) | {key: json.loads(value) for key, value in members.items()}
                self.assertEqual(json.loads(main_job.splice(text, members)), expected)


if __name__ == "__main__":
    unittest.main()
