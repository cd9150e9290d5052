"""The rule of elasticsearch.py, by examples."""

import unittest

from elasticsearch import is_taken


class Taken(unittest.TestCase):
    def test_a_name_may_be_there_once_in_each_object(self):
        for line in ('{"a":1,"A":2}', '{"a":{"a":[{"a":1},{"a":2}]}}', "{}"):
            self.assertTrue(is_taken(line), line)
        for line in ('{"a":1,"a":1}', '{"b":[{"a":1,"a":2}]}', '{"a":1,"\\u0061":2}'):
            self.assertFalse(is_taken(line), line)
