"""What real fleets send beside the usual: odd records, and broken ones.

`TRAITS` are independent of each other: a record can have several, and stays a valid JSON object. `DEFECTS` come one
at a time and end a record's career as a JSON object.
"""

# Share of the records that have the trait. The order is that of the changes: an escape hides a key from the others.
TRAITS = {
    "escapes": 0.10,
    "chinese": 0.30,
    "keys_in_any_order": 0.50,
    "white_space": 0.05,
    "type_twice": 0.02,
    "time_twice": 0.01,
    "level_taken": 0.02,
    "env_taken": 0.01,
    "timestamp_taken": 0.01,
    "type_other_case": 0.05,
    "type_alias": 0.03,
    "type_of_other_level": 0.05,
    "type_unknown": 0.01,
    "type_not_a_string": 0.01,
    "type_missing": 0.01,
    "time_absurd": 0.02,
    "time_missing": 0.02,
    "numbers_at_the_edge": 0.02,
    "deep_but_valid": 0.001,
    "large": 0.001,
    "key_with_escape": 0.02,
}

# Share of the records that have the defect.
DEFECTS = {
    "truncated": 0.005,
    "not_utf8": 0.005,
    "lone_surrogate": 0.004,
    "empty": 0.003,
    "not_an_object": 0.005,
    "control_character": 0.003,
    "not_a_number": 0.003,
    "number_out_of_range": 0.002,
    "leading_zero": 0.002,
    "text_after_the_end": 0.002,
    "byte_order_mark": 0.001,
    "too_deep": 0.001,
    "very_deep": 0.0005,
}

ESCAPES = r"\" \\ \/ \n \t \r \b \f \u4e2d \u0000 \u001F \ud83d\uDE00 }".split()
CHINESE = "用户登录成功 支付网关超时 重试 缓存未命中 订单已取消 库存不足 会话过期 请求完成 😀 𠮷野家".split()
LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"]
ALIASES = ["warning", "Warning", "err", "ERR"]
UNKNOWN = ["notice", "", " info", "警告", "info,error"]
NOT_STRINGS = ["3", "null", "true", '["info"]', '{"Type":"debug"}', "-0"]
ABSURD_TIMES = [
    '"yesterday"',
    '""',
    '"0000-00-00 00:00:00"',
    '"2023-02-30 12:00:00"',
    '"2023-13-01 12:00:00"',
    '"2023-01-18 25:00:00"',
    '"2023-01-18 12:61:00"',
    '"2023-01-18T12:00:00"',
    '"2023-01-18 12:00"',
    '"2023-01-18 12:00:00.5"',
    '"二〇二三年"',
    "1674014400",
    "null",
    '{"Time":"2023-01-18 12:00:00"}',
]
EDGE_NUMBERS = (
    "[0,-0,-0.0,1e308,-1E+308,1e-400,0e999,123456789012345678901234567890,18446744073709551615,-9223372036854775808,"
    "0.1,5E-324,1.7976931348623157e308]"
)
OUT_OF_RANGE = ["1e999", "-1E309", "1" + "0" * 400, "123456789e301"]
NOT_NUMBERS = ["NaN", "Infinity", "-Infinity", ".5", "5.", "+1", "0x10", "1e", "-"]
NOT_OBJECTS = ["[1]", '"text"', "42", "null", "true", "[]", ' [{"Type":"error"}] ']
# GBK text, an overlong slash, a surrogate, half a character, a byte that never occurs; see `text_of`
NOT_UTF8 = ["中文".encode("gbk"), b"\xc0\xaf", b"\xed\xa0\x80", b"\xe4\xb8", b"\xff", b"\xf4\x90\x80\x80"]
LONE_SURROGATES = [r"\ud800", r"\uDC00", r"\ud800A", r"\ud83dx\ude00", r"\uDE00\uD83D"]
# serde_json takes 127 levels; the record itself is one of them
DEEPEST_VALID = 126
VERY_DEEP = 10_000
LARGE_WORDS = 4_000


def record(r, members, oddities):
    """An odd record made of `members`, in bytes; what is odd about it is counted in `oddities`."""
    traits = [name for name, share in TRAITS.items() if r.random() < share]
    defect = draw_defect(r)
    if defect in DEFECT_CHANGES:
        members = DEFECT_CHANGES[defect](r, members)
    for name in traits:
        if name in CHANGES:
            members = CHANGES[name](r, members)
    text = spaced(r, members) if "white_space" in traits else compact(members)
    raw = finish(r, defect, text.encode(errors="surrogateescape"))
    oddities.update([defect] if defect else traits or ["none"])
    assert b"\n" not in raw, "a line would become two records"
    return raw


def draw_defect(r):
    """The name of a defect, or None for most records."""
    at = r.random()
    for name, share in DEFECTS.items():
        if at < share:
            return name
        at -= share
    return None


def compact(members):
    """`members` without a needless byte."""
    return "{" + ",".join('"%s":%s' % member for member in members) + "}"


def spaced(r, members):
    """`members` with white space wherever it may stand, but for the line feed and the end of the line."""

    def gap():
        return r.choice(["", " ", "  ", "\t", "\r"])

    inside = ",".join('%s"%s"%s:%s%s%s' % (gap(), key, gap(), gap(), value, gap()) for key, value in members)
    return gap() + "{" + (inside or gap()) + "}" + r.choice(["", " ", "\t"])


def text_of(raw):
    """Bytes that are not UTF-8 as text that becomes those bytes again."""
    return raw.decode(errors="surrogateescape")


def replace(members, key, value):
    """`members` with the value of `key` replaced."""
    return [(k, value if k == key else v) for k, v in members]


def without(members, key):
    """`members` less `key`."""
    return [member for member in members if member[0] != key]


def insert(r, members, *added):
    """`members` with others anywhere among them."""
    members = list(members)
    for member in added:
        members.insert(r.randrange(len(members) + 1), member)
    return members


def quoted(text):
    """`text`, which needs no escape, as JSON."""
    return '"' + text + '"'


def in_message(r, members, text):
    """`members` with `text`, which may hold escapes, somewhere between two words of the message."""
    words = dict(members)["Msg"][1:-1].split(" ")
    words.insert(r.randrange(len(words) + 1), text)
    return replace(members, "Msg", quoted(" ".join(words)))


def shuffled(r, members):
    """`members` in any order."""
    return r.sample(members, len(members))


def other_case(r, members):
    """`members` with a type in another case."""
    types = [value for key, value in members if key == "Type"]
    return replace(members, "Type", r.choice([str.upper, str.lower])(types[-1])) if types else members


def escaped_key(r, members):
    """`members` with one letter of a key as an escape."""
    at = r.randrange(len(members))
    key, value = members[at]
    return members[:at] + [("\\u%04x" % ord(key[0]) + key[1:], value)] + members[at + 1 :]


# What a trait does to the members; "white_space" is not among them, it is made when they become text.
CHANGES = {
    "escapes": lambda r, m: in_message(r, m, "".join(r.choices(ESCAPES, k=3))),
    "chinese": lambda r, m: in_message(r, m, " ".join(r.choices(CHINESE, k=4))),
    "keys_in_any_order": shuffled,
    "type_twice": lambda r, m: insert(r, m, ("Type", quoted(r.choice(LEVELS)))),
    "time_twice": lambda r, m: insert(r, m, ("Time", r.choice(ABSURD_TIMES + ['"2024-02-29 23:59:59"'] * 5))),
    "level_taken": lambda r, m: insert(r, m, *[("level", r.choice(['"old"', "1", "{}"]))] * r.randrange(1, 3)),
    "env_taken": lambda r, m: insert(r, m, ("env", '{"name":"dev"}')),
    "timestamp_taken": lambda r, m: insert(r, m, ("@timestamp", "null")),
    "type_other_case": other_case,
    "type_alias": lambda r, m: replace(m, "Type", quoted(r.choice(ALIASES))),
    "type_of_other_level": lambda r, m: replace(m, "Type", quoted(r.choice(LEVELS))),
    "type_unknown": lambda r, m: replace(m, "Type", quoted(r.choice(UNKNOWN))),
    "type_not_a_string": lambda r, m: replace(m, "Type", r.choice(NOT_STRINGS)),
    "type_missing": lambda r, m: without(m, "Type"),
    "time_absurd": lambda r, m: replace(m, "Time", r.choice(ABSURD_TIMES)),
    "time_missing": lambda r, m: without(m, "Time"),
    "numbers_at_the_edge": lambda r, m: insert(r, m, ("Numbers", EDGE_NUMBERS)),
    "deep_but_valid": lambda r, m: replace(m, "Field", nested(DEEPEST_VALID)),
    "large": lambda r, m: in_message(r, m, " ".join(r.choices(CHINESE, k=LARGE_WORDS))),
    "key_with_escape": escaped_key,
}

DEFECT_CHANGES = {
    "not_utf8": lambda r, m: in_message(r, m, text_of(r.choice(NOT_UTF8))),
    "lone_surrogate": lambda r, m: in_message(r, m, r.choice(LONE_SURROGATES)),
    "control_character": lambda r, m: in_message(r, m, r.choice("\t\r\x00\x1f")),
    "not_a_number": lambda r, m: insert(r, m, ("Number", r.choice(NOT_NUMBERS))),
    "number_out_of_range": lambda r, m: insert(r, m, ("Number", r.choice(OUT_OF_RANGE))),
    "leading_zero": lambda r, m: insert(r, m, ("Number", r.choice(["01", "-01", "00"]))),
    "too_deep": lambda r, m: insert(r, m, ("Deep", nested(DEEPEST_VALID + 1))),
    "very_deep": lambda r, m: insert(r, m, ("Deep", nested(VERY_DEEP))),
}


def nested(levels):
    """Arrays and objects in each other, `levels` deep."""
    pairs = ('[{"a":' * (levels // 2 + 1))[: len('[{"a":') * (levels // 2)] + "[" * (levels % 2)
    return pairs + "1" + "]" * (levels % 2) + "}]" * (levels // 2)


def finish(r, defect, raw):
    """`raw` with those defects that concern the record as a whole."""
    if defect == "truncated":
        return raw[: r.randrange(1, raw.rindex(b"}"))]
    if defect == "empty":
        return b""
    if defect == "not_an_object":
        return r.choice(NOT_OBJECTS).encode()
    if defect == "text_after_the_end":
        return raw + r.choice([b"}", b" x", b"{}", b"\x00", b","])
    if defect == "byte_order_mark":
        return b"\xef\xbb\xbf" + raw
    return raw
