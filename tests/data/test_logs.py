"""The test data is the same everywhere and for good, and has in it what it says."""

import hashlib
import json
import pathlib
import subprocess
import sys
import unittest

import odd

LOGS = pathlib.Path(__file__).with_name("logs.py")
COUNT = 20_000


def run(*arguments):
    """The standard output and error of logs.py."""
    done = subprocess.run([sys.executable, LOGS, *map(str, arguments)], capture_output=True, check=True)
    return done.stdout, done.stderr


class Logs(unittest.TestCase):
    def check_hash(self, arguments, expected):
        self.assertEqual(hashlib.sha256(run(*arguments)[0]).hexdigest(), expected)

    def test_plain_records_never_change(self):
        self.check_hash([COUNT], "6f62beb6b193ca383a4adada1461775aac042f6ef12a3e292c8e5fceeea6ebad")

    def test_odd_records_never_change(self):
        self.check_hash([COUNT, "--odd"], "d3248e86975dbcf9163fbd46e4f1eb356cd06a7d4aa3e5bea71fbf09ebe083f6")

    def test_another_seed_makes_other_records(self):
        self.assertNotEqual(run(100, "--odd", "--seed", 1), run(100, "--odd", "--seed", 2))
        self.assertNotEqual(run(100, "--seed", 1), run(100, "--seed", 2))

    def test_every_odd_record_is_one_line(self):
        records, _ = run(COUNT, "--odd")
        self.assertEqual(records.count(b"\n"), COUNT)
        self.assertTrue(records.endswith(b"\n"))

    def test_shares_are_near_to_what_is_asked_for(self):
        _, told = run(COUNT, "--odd", "--shares")
        shares = json.loads(told)["shares"]
        sound = 1 - sum(odd.DEFECTS.values())
        asked = odd.DEFECTS | {name: share * sound for name, share in odd.TRAITS.items()}
        for name, share in asked.items():
            with self.subTest(name):
                # five standard deviations: beyond it the generator is wrong, not unlucky
                self.assertAlmostEqual(shares[name], share, delta=5 * (share * (1 - share) / COUNT) ** 0.5)

    def test_deepest_valid_record_has_the_depth_it_says(self):
        for levels in (1, 2, 7, odd.DEEPEST_VALID):
            text = odd.nested(levels)
            self.assertEqual(text.count("[") + text.count("{"), levels)
            json.loads(text)


if __name__ == "__main__":
    unittest.main()
