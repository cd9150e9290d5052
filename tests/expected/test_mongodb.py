"""The rules of mongodb.py, each by an example.

usage: python3 -B -m unittest discover -s tests/expected
"""

import unittest

from mongodb import document


def long(number):
    return {"$numberLong": str(number)}


class Documents(unittest.TestCase):
    def check(self, value, expected):
        self.assertEqual(document('{"v":%s}' % value), {"v": expected})

    def test_a_whole_number_of_64_bits_is_an_int64(self):
        for number in (0, -1, 2**53 + 1, 2**63 - 1, -(2**63)):
            self.check(number, long(number))

    def test_another_number_is_a_double_if_that_is_the_same_number(self):
        for text, shortest in (("0.1", "0.1"), ("1.50", "1.5"), ("1e2", "100.0"), ("-0", "-0.0"), ("5e-324", "5e-324")):
            self.check(text, {"$numberDouble": shortest})
        self.check("10000000000000000000000", {"$numberDouble": "1e+22"})

    def test_else_it_is_text_as_it_was_written(self):
        for text in ("9223372036854775808", "1e309", "2e-324", "0.10000000000000000001", "9007199254740993.0"):
            self.check(text, text)

    def test_the_last_of_two_fields_counts(self):
        self.check('1,"v":[2,{"a":1,"a":true}]', [long(2), {"a": True}])

    def test_what_can_be_no_document_is_refused(self):
        for line in ('{"_id":1}', '{"a":{"b\\u0000":1}}', '{"a":' * 101 + "1" + "}" * 101):
            self.assertEqual(document(line), "refused")
        for line in ('{"a":{"_id":1}}', '{"a":' * 100 + "1" + "}" * 100):
            self.assertNotEqual(document(line), "refused")


if __name__ == "__main__":
    unittest.main()
