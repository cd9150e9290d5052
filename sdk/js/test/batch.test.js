// What the plugin decides is in the answer, in the form of the contract.

import assert from "node:assert/strict";
import { test } from "node:test";

import { process } from "../src/batch.js";
import { hash, isBelow } from "../src/id.js";
import { EditError, Fate, LogLevel, Output, Reject, isInSample, nowMs, textHash } from "../src/index.js";
import { wantsOf } from "../src/plugin.js";
import { decode, effects, flatBatch, recordOf, run, setNowMs } from "../src/testing.js";
import { encode } from "../src/text.js";

const ALL = ["key", "headers", "timestamp", "position"];
const NONE = wantsOf({});

// A plugin that does as `decide` says.
function deciding(decide, wants = []) {
  return class {
    static wants = wants;

    process(record) {
      return decide(record);
    }
  };
}

function fates(decide, records, wants = []) {
  return run(deciding(decide, wants), {}, records);
}

function texts({ value, key, ...rest }) {
  const text = (part) => (part === null ? null : new TextDecoder().decode(part));
  return { value: text(value), key: text(key), ...rest, headers: rest.headers.map(([name, it]) => [name, text(it)]) };
}

test("a record that nothing is set on is kept as it is", () => {
  const Keeping = deciding((record) => {
    record.remove("/nothing");
    return Fate.KEEP;
  });
  const { fates, rows, bytes } = process(new Keeping(), flatBatch(NONE, ["{}", "{ }"]));
  assert.deepEqual([[...fates], rows.length, bytes.length], [[0, 0], 0, 0]);
});

test("each fate has its number", () => {
  const by = { k: Fate.KEEP, d: Fate.DROP, e: Fate.emit(), r: Fate.reject("why") };
  const Each = deciding((record) => by[String.fromCharCode(record.value[0])]);
  const { fates, rows, bytes } = process(new Each(), flatBatch(NONE, [..."kder"]));
  assert.deepEqual([[...fates], [...rows], bytes], [[0, 1, 1, 3], [3, 3, -1, -1, -1], encode("why")]);
});

test("what is set shows and the rest stays", () => {
  const record = { value: '{"a":1}', headers: [["h", null]], timestampMs: 5 };
  const decide = (it) => {
    it.set("/b", 2);
    it.setKey("key");
    it.setTimestampMs(9);
    it.route("there");
    return Fate.KEEP;
  };
  const [{ outputs }] = fates(decide, [record], ALL);
  const expected = { value: '{"a":1,"b":2}', key: "key", headers: [["h", null]], timestampMs: 9, route: "there" };
  assert.deepEqual(outputs.map(texts), [expected]);
});

test("a value that is set as a whole counts more than edits", () => {
  const decide = (record) => {
    record.set("/b", 2);
    if (record.get("/bytes")) record.setValue("text");
    else record.setTombstone();
    return Fate.KEEP;
  };
  const [text, none] = fates(decide, ['{"bytes":true}', "{}"]);
  assert.deepEqual([text.value, none.outputs[0].value], ["text", null]);
});

test("a value that was set as a whole cannot be edited", () => {
  const decide = (record) => {
    if (record.get("/bytes")) record.setValue('{"new":1}');
    else record.setTombstone();
    for (const edit of [() => record.set("/b", 2), () => record.remove("/bytes")]) {
      assert.throws(edit, (error) => error instanceof EditError && error.message.endsWith("set as a whole before"));
    }
    return Fate.KEEP;
  };
  const [text, none] = fates(decide, ['{"bytes":true}', "{}"]);
  assert.deepEqual([text.value, none.outputs[0].value], ['{"new":1}', null]);
});

test("outputs have what they are given and else what the record has", () => {
  const decide = () =>
    Fate.emit(
      new Output(),
      { value: "new", key: null, headers: [], timestampMs: 3, route: "r" },
      { value: null, key: encode("k"), headers: [["a", ""], ["ä", null]] },
    );
  const record = { value: "old", key: "key", headers: [["h", "v"]], timestampMs: 7 };
  const [kept, made, tombstone] = fates(decide, [record], ALL)[0].outputs.map(texts);
  assert.deepEqual(kept, { value: "old", key: "key", headers: [["h", "v"]], timestampMs: null, route: null });
  assert.deepEqual(made, { value: "new", key: null, headers: [], timestampMs: 3, route: "r" });
  assert.deepEqual(tombstone, { value: null, key: "k", headers: [["a", ""], ["ä", null]], timestampMs: null, route: null });
  assert.throws(() => fates(() => Fate.emit({ valeu: "" }), [""]), /an output has no valeu/);
});

test("rows that are given no time have their records'", () => {
  const decide = (it) => (it.value[0] === 97 ? Fate.emit({ timestampMs: 1 }, {}) : Fate.reject("no"));
  const records = [["b", 5], ["a", 6], ["b", null]].map(([value, timestampMs]) => recordOf({ value, timestampMs }));
  const answer = process(new (deciding(decide, ALL))(), flatBatch(wantsOf({ wants: ALL }), records));
  assert.deepEqual([...answer.timestamps], [5n, 1n, 6n, -1n]);
  assert.deepEqual(decode(answer, records).map((it) => it.name), ["reject", "emit", "reject"]);
});

test("Reject can be thrown from anywhere, and nothing else", () => {
  const decide = (record) => {
    record.json();
    throw new Reject("deep below");
  };
  const [broken, valid, tombstone] = fates(decide, ["{", "{}", { value: null }]);
  assert.match(broken.reason, /^invalid JSON: /);
  assert.deepEqual([valid.reason, tombstone.reason], ["deep below", "invalid JSON: a tombstone"]);
  assert.throws(() => fates(() => null.x, ["{}"]), TypeError);
});

test("get finds nothing in what is no JSON", () => {
  const reasons = fates((it) => Fate.reject(it.get("/a", "nothing")), ["{", { value: null }, "[]", "1", "null"]).map((it) => it.reason);
  assert.deepEqual(reasons, Array(5).fill("nothing"));
});

test("to get what is no pointer is an error whatever the value is", () => {
  for (const value of ["{}", "{", null, "[]", "1"]) {
    assert.throws(() => fates((it) => it.get("a"), [{ value }]), new RangeError('"a" is no JSON pointer: one begins with /'));
    assert.equal(fates((it) => it.set("a", 1), [{ value }])[0].name, "reject");
  }
});

test("what is no fate is an error", () => {
  for (const wrong of [undefined, null, true, "keep"]) assert.throws(() => fates(() => wrong, ["{}"]), /which is no fate/);
});

test("an empty batch has an empty answer", () => {
  assert.deepEqual(fates(() => Fate.DROP, []), []);
});

test("answers agree in batches of any size", () => {
  const decide = (record) => {
    if (record.offset % 4 === 0) return Fate.emit({ value: "x".repeat(record.offset) }, {});
    if (record.offset % 4 === 1) record.set("/n", record.offset);
    return record.offset % 4 === 2 ? Fate.DROP : Fate.KEEP;
  };
  const records = Array.from({ length: 40 }, (_, index) => recordOf({ value: `{"i":${index}}`, key: `${index}`, timestampMs: index }));
  const [Plugin, wants] = [deciding(decide, ALL), wantsOf({ wants: ALL })];
  const whole = flatBatch(wants, records);
  const expected = decode(process(new Plugin(), whole), records);
  for (const size of [1, 3, 7]) {
    const parts = [];
    for (let at = 0; at < records.length; at += size) {
      const some = records.slice(at, at + size);
      const batch = { ...flatBatch(wants, some), offsets: whole.offsets.slice(at, at + size) };
      parts.push(...decode(process(new Plugin(), batch), some));
    }
    assert.deepEqual(parts, expected);
  }
});

test("all of a record is there for who asks", () => {
  const seen = [];
  const decide = (it) => {
    const { value, key, headers } = texts(it);
    seen.push([value, key, headers, it.timestampMs, it.source, it.topic, it.partition, it.offset, it.number]);
    return Fate.KEEP;
  };
  const first = { value: "v", key: "k", headers: [["a", "1"], ["a", "2"]], timestampMs: 5 };
  fates((it) => decide({ __proto__: null, ...fields(it) }), [first, { value: null }, { value: "", key: "" }], ALL);
  assert.deepEqual(seen[0], ["v", "k", [["a", "1"], ["a", "2"]], 5, "source", "topic", 0, 0, 0]);
  assert.deepEqual(seen[1], [null, null, [], null, "source", "topic", 0, 1, 0]);
  assert.deepEqual(seen[2].slice(0, 3), ["", "", []]);
});

// What is a getter of a record, as fields.
function fields({ value, key, headers, timestampMs, source, topic, partition, offset, number }) {
  return { value, key, headers, timestampMs, source, topic, partition, offset, number };
}

test("of several headers with one name the last counts", () => {
  const decide = (it) => Fate.reject(`${it.header("a")?.[0]} ${it.header("b")}`);
  const [{ reason }] = fates(decide, [{ value: "", headers: [["a", "1"], ["a", "2"]] }], ALL);
  assert.equal(reason, "50 null");
});

test("what is not asked for is an error that names it", () => {
  for (const [name, read] of [
    ["key", (it) => it.key],
    ["headers", (it) => it.headers],
    ["timestamp", (it) => it.timestampMs],
    ["timestamp", (it) => it.setTimestampMs(1)],
    ["position", (it) => it.offset],
    ["position", (it) => it.isSampled(0.5)],
  ]) {
    assert.throws(() => fates(read, ["{}"]), new RegExp(`does not have: ${name}`));
  }
  assert.throws(() => fates(() => Fate.KEEP, [], ["keys"]), /static wants has keys/);
});

test("the hash is that of the other SDKs", () => {
  assert.equal(textHash("kafka/msproject_log/3/42/0"), 1_062_688_388_849_495_375n);
  const offsets = Array.from({ length: 20_000 }, (_, offset) => offset);
  const low = offsets.filter((it) => isBelow(hash(encode(`kafka/msproject_log/0/${it}/0`)), 0.1)).length;
  assert.ok(low > 1_850 && low < 2_150, `${low}`);
  assert.equal(isInSample("a", 0), false);
  assert.equal(isInSample("a", 1), true);
  // The same are in the tests of the SDK in Python.
  for (const [text, same, expected] of [
    ["a\ud800b", "a\ufffdb", 9_026_146_419_720_272_397n],
    ["\udc00\ud800", "\ufffd\ufffd", 7_229_388_690_154_253_461n],
    ["\ud83d\ude00", "😀", 13_672_324_803_493_586_288n],
    ["\ud800\ud83d\ude00\udc00", "\ufffd😀\ufffd", 14_298_423_178_744_564_175n],
  ]) {
    assert.deepEqual([textHash(text), textHash(same)], [expected, expected]);
  }
});

test("the clock is there where it was set", () => {
  assert.throws(nowMs, /setNowMs/);
  setNowMs(7);
  assert.equal(nowMs(), 7);
});

test("sums and lines are in the answer", () => {
  const decide = (record) => {
    record.count("seen");
    record.count("bytes", record.value.length);
    record.count("none", 0);
    if (record.value.length === 2) record.log(LogLevel.WARN, "zwei ä");
    return Fate.DROP;
  };
  const told = effects(deciding(decide), {}, ["a", "bb"]);
  assert.deepEqual(told, { counts: { seen: 2, bytes: 3 }, lines: [{ level: LogLevel.WARN, index: 1, line: "zwei ä" }] });
});

test("names, amounts and lines have limits", () => {
  for (const [name, amount] of [["", 1], ["Seen", 1], ["a".repeat(65), 1], ["é", 1], ["a\n", 1], ["a", -1], ["a", 1.5], ["a", NaN]]) {
    assert.throws(() => fates((it) => it.count(name, amount), ["{}"]), RangeError, name);
  }
  assert.throws(() => fates((it) => it.log("warn", ""), ["{}"]), RangeError);
  const much = (record) => {
    record.log(LogLevel.DEBUG, `a${"é".repeat(1_000)}`);
    return Fate.KEEP;
  };
  const { lines } = effects(deciding(much), {}, Array(130).fill("{}"));
  assert.deepEqual([lines.length, lines[127].line, lines[128].line], [130, `a${"é".repeat(511)}`, ""]);
});
