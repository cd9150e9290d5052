import json
import unittest

from tamis_sdk import ConfigError
from tamis_sdk.testing import TestRecord, configure, effects, run

from stacktrace import Stacktrace
from stacktrace.trace import find

JAVA = """java.lang.RuntimeException: could not pay
	at com.shop.Pay.charge(Pay.java:88)
	at com.shop.Api.post(Api.java:20)
Caused by: java.sql.SQLTimeoutException: no answer: 5 s
	at java.base/java.net.Socket.read(Socket.java:12)
	at com.shop.Store$1.save(Store.java:41)
	at com.shop.Pay.charge(Pay.java:80)
	... 1 more"""
PYTHON = """Traceback (most recent call last):
  File "/app/a.py", line 1, in inner
    x()
KeyError: 'id'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 9, in <module>
    main()
  File "/app/shop/pay.py", line 5, in charge
    raise PayError("no")
  File "/usr/lib/python3.11/json/decoder.py", line 3, in decode
    ~~~^^^
shop.errors.PayError: card refused
"""
GO = """panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
panic({0x4a3f60?, 0xc000012120?})
	/usr/local/go/src/runtime/panic.go:884 +0x213
main.(*Cart).Add(0xc00001a0b0, {0x1, 0x2})
	/src/shop/cart.go:42 +0x1d
main.main()
	/src/shop/main.go:9 +0x25

goroutine 7 [select]:
other.loop()
	/src/other.go:1 +0x1"""
ZAP = "shop/pay.Charge\n\t/src/shop/pay/charge.go:42\nnet/http.HandlerFunc.ServeHTTP\n\t/usr/local/go/src/net/http/server.go:2122"
NODE = """TypeError: Cannot read properties of undefined (reading 'id')
    at Cart.add (/srv/shop/cart.js:12:30)
    at async /srv/shop/server.js:7:3
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
NET = """System.InvalidOperationException: Sequence contains no elements
   at System.Linq.ThrowHelper.ThrowNoElementsException()
   at Shop.Cart.First(List`1 items) in /src/Cart.cs:line 12
   at Shop.Program.Main()"""


def outcome(text, settings=None, field="stack"):
    (fate,) = run(Stacktrace, settings or {}, [json.dumps({field: text})])
    return json.loads(fate.value)["error"] if fate.value else None


class Traces(unittest.TestCase):
    def check(self, text, kind, message, culprit):
        error = outcome(text)
        self.assertEqual((error.get("type"), error.get("message"), error["culprit"]), (kind, message, culprit))
        self.assertRegex(error["fingerprint"], "^[0-9a-f]{16}$")

    def test_the_root_cause_and_the_innermost_own_call_are_found(self):
        self.check(JAVA, "java.sql.SQLTimeoutException", "no answer: 5 s", "com.shop.Store$1.save (Store.java:41)")
        self.check(PYTHON, "shop.errors.PayError", "card refused", "charge (/app/shop/pay.py:5)")
        panic = "runtime error: index out of range [3] with length 3"
        self.check(GO, "panic", panic, "main.(*Cart).Add (/src/shop/cart.go:42)")
        self.check(ZAP, None, None, "shop/pay.Charge (/src/shop/pay/charge.go:42)")
        message = "Cannot read properties of undefined (reading 'id')"
        self.check(NODE, "TypeError", message, "Cart.add (/srv/shop/cart.js:12)")
        kind = "System.InvalidOperationException"
        self.check(NET, kind, "Sequence contains no elements", "Shop.Cart.First (/src/Cart.cs:12)")

    def test_a_trace_may_stand_behind_a_message_and_have_carriage_returns(self):
        self.check("payment 7 failed\n" + JAVA.replace("\n", "\r\n"), *self.of(JAVA))
        self.check("payment 7 failed\n" + PYTHON, *self.of(PYTHON))
        self.check("2023-01-18 ERROR boom\n" + NODE, *self.of(NODE))
        self.check("http: panic serving 127.0.0.1:\n" + GO, *self.of(GO))

    def of(self, text):
        error = outcome(text)
        return error["type"], error["message"], error["culprit"]

    def test_lines_of_a_list_are_a_text(self):
        self.check(NODE.split("\n"), *self.of(NODE))

    def test_what_is_no_trace_stays_as_it_is(self):
        for text in [
            "user logged in",
            "two\nlines",
            "meet me at noon (12:00)\nat the station",
            "java.lang.RuntimeException: no calls",
            "Traceback (most recent call last):\nnothing",
            "",
            7,
            None,
            {"a": NODE},
            [7, None],
        ]:
            self.assertIsNone(outcome(text), text)

    def test_the_first_field_that_has_a_trace_counts(self):
        record = json.dumps({"Msg": NODE, "Field": {"stack": PYTHON}, "stack": "nothing"})
        (fate,) = run(Stacktrace, {}, [record])
        self.assertEqual(json.loads(fate.value)["error"]["type"], "shop.errors.PayError")
        self.assertTrue(fate.value.startswith(record[:-1]), "what was there stays as it was")

    def test_ones_own_code_can_be_named(self):
        error = outcome(JAVA, {"in_app": ["com.shop.Pay"]})
        self.assertEqual(error["culprit"], "com.shop.Pay.charge (Pay.java:80)")
        error = outcome(JAVA, {"in_app": ["com.other"]})
        self.assertEqual(error["culprit"], "java.net.Socket.read (Socket.java:12)")


class Fingerprints(unittest.TestCase):
    def check(self, one, other, same):
        prints = [outcome(text)["fingerprint"] for text in (one, other)]
        self.assertEqual(prints[0] == prints[1], same)

    def test_messages_lines_and_libraries_do_not_make_a_difference(self):
        self.check(JAVA, JAVA.replace("5 s", "9 s").replace(":41", ":45").replace("java.net.Socket.read", "java.net.Socket.poll"), True)
        self.check(GO, GO.replace("0xc00001a0b0", "0xc000000001").replace("[3]", "[9]"), True)
        self.check(JAVA, JAVA.replace("Store$1", "Store$2"), True)

    def test_types_and_calls_do(self):
        self.check(JAVA, JAVA.replace("SQLTimeoutException", "SQLException"), False)
        self.check(JAVA, JAVA.replace("Store$1.save", "Store$1.load"), False)

    def test_a_fingerprint_never_changes(self):
        self.assertEqual(outcome(JAVA)["fingerprint"], "aa31e40b2c071858")


class Places(unittest.TestCase):
    def test_where_a_text_stands_nothing_is_set(self):
        record = json.dumps({"error": "no", "stack": NODE})
        (fate,) = run(Stacktrace, {}, [record])
        self.assertEqual(fate.name, "keep")
        self.assertEqual(effects(Stacktrace, {}, [record, json.dumps({"stack": NODE})]).counts, {"no_place": 1, "traces": 1})
        (fate,) = run(Stacktrace, {}, ['{"error":{"code":7,"type":"x"},"stack":%s}' % json.dumps(NODE)])
        self.assertTrue(fate.value.startswith('{"error":{"code":7,"type":"TypeError","message":'), fate.value)
        (fate,) = run(Stacktrace, {"to": "/error/stack"}, [record])
        self.assertEqual(fate.name, "keep")
        (fate,) = run(Stacktrace, {"to": "/exception_info"}, [record])
        self.assertEqual(json.loads(fate.value)["exception_info"]["type"], "TypeError")

    def test_what_is_no_json_and_a_tombstone_stay(self):
        names = [fate.name for fate in run(Stacktrace, {}, [NODE, "[]", TestRecord(None)])]
        self.assertEqual(names, ["keep"] * 3)

    def test_pointers_are_checked(self):
        for settings, field in [({"fields": ["/a", "b"]}, "/fields/1"), ({"to": "error"}, "/to")]:
            with self.assertRaises(ConfigError) as refused:
                configure(Stacktrace, settings)
            self.assertEqual(refused.exception.field, field)


class Odd(unittest.TestCase):
    def test_long_texts_are_looked_at_only_so_far(self):
        """Of what would take minutes if it were read again and again; that it ends at all is what is tested."""
        for piece in ["at a(", "  at ", '  File "', "a.", "x(" * 9 + "\n", "\tat a.b(c.d:1)\n", "\n", ":1", "Caused by: \n", " at (", "A.go:1\n\t"]:
            text = piece * (2_000_000 // len(piece))
            find(text)
            find("Traceback (most recent call last):\n" + text)


if __name__ == "__main__":
    unittest.main()
