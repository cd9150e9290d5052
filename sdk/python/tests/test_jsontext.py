"""Edits show in the text as they would in a dict, and leave every other byte as it was."""

import json
import random
import unittest

from tamis_sdk.fate import Reject
from tamis_sdk.jsontext import EditError, Edits, dump, lookup, parse


def edited(text, *edits):
    document = Edits(text, parse(text.encode()))
    for pointer, *value in edits:
        if value:
            document.set(pointer, *value)
        else:
            document.remove(pointer)
    return document.text()


class Editing(unittest.TestCase):
    def test_new_members_come_right_before_the_brace(self):
        for text, expected in [
            ("{}", '{"k":"v"}'),
            (" { } ", ' { "k":"v"} '),
            ('{"a":1}', '{"a":1,"k":"v"}'),
            ('{ "a" : 1 }\n', '{ "a" : 1 ,"k":"v"}\n'),
        ]:
            self.assertEqual(edited(text, ("/k", "v")), expected)
            self.assertEqual(edited(text, ("/k", 1), ("/k", "v")), expected)
            # The same where the text has to be looked at.
            self.assertEqual(edited(text, ("/k", 1), ("/x",), ("/k", "v")), expected)

    def test_a_member_keeps_its_place_and_its_spelling(self):
        self.assertEqual(edited('{ "a" : [1] , "b":2}', ("/a", "v")), '{ "a" : "v" , "b":2}')
        self.assertEqual(edited('{"\\u0061":1,"b":2}', ("/a", "v")), '{"\\u0061":"v","b":2}')

    def test_the_last_of_several_counts(self):
        self.assertEqual(edited('{"a":1,"a":2,"b":3}', ("/a", "v")), '{"a":1,"a":"v","b":3}')
        self.assertEqual(edited('{"a":1,"a":2,"b":3}', ("/a",)), '{"b":3}')

    def test_a_removed_part_takes_one_comma_with_it(self):
        text = '{ "a":1 , "b":2 , "c":3 }'
        self.assertEqual(edited(text, ("/a",)), '{ "b":2 , "c":3 }')
        self.assertEqual(edited(text, ("/b",)), '{ "a":1 , "c":3 }')
        self.assertEqual(edited(text, ("/c",)), '{ "a":1 , "b":2 }')
        self.assertEqual(edited('{"a":[ 1 , 2 , 3 ]}', ("/a/1",)), '{"a":[ 1 , 3 ]}')
        self.assertEqual(edited(text, ("/x",), ("/a/b",)), text)

    def test_an_edit_goes_as_deep_as_its_pointer_and_makes_what_is_missing(self):
        text = '{ "a": { "b" : [ 1 , {"c":2} ] , "d":null }, "e":"\\u0041", "n":1.0e2 }'
        for edit, was, becomes in [
            (("/a/b/1/c", "v"), '{"c":2}', '{"c":"v"}'),
            (("/a/b/1/x/y", 3), '{"c":2}', '{"c":2,"x":{"y":3}}'),
            (("/a/b/2", 3), '{"c":2} ]', '{"c":2} ,3]'),
            (("/a/b/-", 3), '{"c":2} ]', '{"c":2} ,3]'),
        ]:
            self.assertEqual(edited(text, edit), text.replace(was, becomes))
        self.assertEqual(edited("{}", ("/a~1b/~0", None)), '{"a/b":{"~":null}}')

    def test_numbers_keep_their_digits(self):
        text = '{"id":12345678901234567890,"x":1.10,"y":1E400}'
        self.assertEqual(edited(text, ("/z", True)), text[:-1] + ',"z":true}')

    def test_an_integer_may_have_any_number_of_digits(self):
        long = "9" * 5_000
        text = f'{{"id":{long},"a":{{}}}}'
        json = parse(text.encode())
        self.assertEqual(json["id"], 10**5_000 - 1)
        self.assertEqual(edited(text, ("/a/b", json["id"])), text.replace("{}", f'{{"b":{long}}}'))

    def test_where_there_is_no_place_is_said(self):
        for text, pointer in [
            ("[1]", "/0"),
            ("1", "/a"),
            ("{}", ""),
            ("{}", "a"),
            ('{"a":1}', "/a/b"),
            ('{"a":[1]}', "/a/2"),
            ('{"a":[1]}', "/a/x"),
        ]:
            with self.assertRaises(EditError, msg=(text, pointer)):
                edited(text, (pointer, 1))

    def test_edits_are_those_of_a_dict(self):
        seeded = random.Random(1)
        keys = ["a", "b", "ä", "a/b", "~", '"', ""]

        def value(depth):
            kind = seeded.randrange(3 if depth else 1)
            if kind == 1:
                return {seeded.choice(keys): value(depth - 1) for _ in range(seeded.randrange(4))}
            if kind == 2:
                return [value(depth - 1) for _ in range(seeded.randrange(4))]
            return seeded.choice([None, True, 0, -1.5, "", "é\n\\", 2**70])

        for _ in range(2_000):
            model = {seeded.choice(keys): value(2) for _ in range(seeded.randrange(4))}
            text = json.dumps(model, indent=seeded.choice([None, 1]), ensure_ascii=seeded.random() < 0.5)
            document = Edits(text, json.loads(text))
            for _ in range(3):
                path = [seeded.choice(keys)] + [seeded.choice(keys + ["0", "1", "-"]) for _ in range(seeded.randrange(3))]
                pointer = "".join("/" + it.replace("~", "~0").replace("/", "~1") for it in path)
                if seeded.random() < 0.3:
                    self.assertEqual(document.remove(pointer), removed(model, path))
                    continue
                new = value(1)
                before = json.dumps(model)
                if assigned(model, path, new):
                    document.set(pointer, new)
                else:
                    model = json.loads(before)
                    with self.assertRaises(EditError):
                        document.set(pointer, new)
            self.assertEqual(json.loads(document.text()), model)


def assigned(model, path, value):
    """Sets it in a dict; False where there is no place for it."""
    for depth, token in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(model, dict):
            missing = token not in model
        elif isinstance(model, list):
            if token in ("-", str(len(model))):
                model.append(None)
                token, missing = len(model) - 1, True
            elif token.isdecimal() and int(token) < len(model):
                token, missing = int(token), False
            else:
                return False
        else:
            return False
        if last:
            model[token] = value
        else:
            model[token] = {} if missing else model[token]
            model = model[token]
    return True


def removed(model, path):
    for token in path[:-1]:
        model = lookup(model, "/" + token.replace("~", "~0").replace("/", "~1"), None)
    token = path[-1]
    if isinstance(model, dict) and token in model:
        del model[token]
        return True
    if isinstance(model, list) and token.isdecimal() and int(token) < len(model):
        del model[int(token)]
        return True
    return False


class Text(unittest.TestCase):
    def test_what_is_no_json_is_refused(self):
        for value in [None, b"", b"{", b"{} x", b"NaN", b"[Infinity]", b"\xff", b'"\xc3"', b"{'a':1}", b"[" * 100_000]:
            with self.assertRaises(Reject, msg=value and value[:10]) as refused:
                parse(value)
            self.assertTrue(str(refused.exception).startswith("invalid JSON: "))

    def test_only_so_many_are_within_each_other(self):
        for depth, is_valid in [(127, True), (128, False), (50_000, False)]:
            for opens, closes in [("[", "]"), ('{"a":', "}")]:
                text = (opens * depth + "1" + closes * depth).encode()
                try:
                    parse(text)
                    self.assertTrue(is_valid, depth)
                except Reject as reject:
                    self.assertFalse(is_valid, reject)
                    self.assertIn("more than 127 arrays and objects", str(reject))
        # Side by side, and within texts, there may be more.
        parse(json.dumps([[]] * 1_000 + ["[{" * 1_000, '"[\\"[' * 1_000]).encode())

    def test_texts_without_an_end_are_read_once(self):
        """Of what would take hours if it were read again from each quote; that it ends at all is what is tested."""
        for piece in ['"[', '["', '[\\"', '[\\\\"', '{"a":"', '["a",']:
            with self.assertRaises(Reject):
                parse((piece * 300_000).encode())

    def test_text_is_written_as_it_is_where_utf8_has_it(self):
        self.assertEqual(dump({"a": ["日志", 1]}), '{"a":["日志",1]}')
        self.assertEqual(dump("\ud800"), '"\\ud800"')
        with self.assertRaises(ValueError):
            dump(float("nan"))

    def test_pointers_find_what_they_name(self):
        value = {"a": {"b/c": [1, {"~": 2}]}, "": 3}
        for pointer, found in [("/a/b~1c/1/~0", 2), ("/", 3), ("/a/b~1c/0", 1), ("/a/b~1c/00", "no"), ("/a/x", "no"), ("/a/b~1c/2", "no")]:
            self.assertEqual(lookup(value, pointer, "no"), found, pointer)


if __name__ == "__main__":
    unittest.main()
