// Edits show in the text as they would in an object, and leave every other byte as it was.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Reject } from "../src/fate.js";
import { EditError, Edits, lookup, parse } from "../src/jsontext.js";
import { encode } from "../src/text.js";

function edited(text, ...edits) {
  const document = new Edits(text, JSON.parse(text));
  for (const edit of edits) {
    if (edit.length > 1) document.set(...edit);
    else document.remove(...edit);
  }
  return document.text();
}

test("new members come right before the brace", () => {
  for (const [text, expected] of [
    ["{}", '{"k":"v"}'],
    [" { } ", ' { "k":"v"} '],
    ['{"a":1}', '{"a":1,"k":"v"}'],
    ['{ "a" : 1 }\n', '{ "a" : 1 ,"k":"v"}\n'],
  ]) {
    assert.equal(edited(text, ["/k", "v"]), expected);
    assert.equal(edited(text, ["/k", 1], ["/k", "v"]), expected);
    // The same where the text has to be looked at.
    assert.equal(edited(text, ["/k", 1], ["/x"], ["/k", "v"]), expected);
  }
});

test("a member keeps its place and its spelling", () => {
  assert.equal(edited('{ "a" : [1] , "b":2}', ["/a", "v"]), '{ "a" : "v" , "b":2}');
  assert.equal(edited('{"\\u0061":1,"b":2}', ["/a", "v"]), '{"\\u0061":"v","b":2}');
});

test("the last of several counts", () => {
  assert.equal(edited('{"a":1,"a":2,"b":3}', ["/a", "v"]), '{"a":1,"a":"v","b":3}');
  assert.equal(edited('{"a":1,"a":2,"b":3}', ["/a"]), '{"b":3}');
});

test("a removed part takes one comma with it", () => {
  const text = '{ "a":1 , "b":2 , "c":3 }';
  assert.equal(edited(text, ["/a"]), '{ "b":2 , "c":3 }');
  assert.equal(edited(text, ["/b"]), '{ "a":1 , "c":3 }');
  assert.equal(edited(text, ["/c"]), '{ "a":1 , "b":2 }');
  assert.equal(edited('{"a":[ 1 , 2 , 3 ]}', ["/a/1"]), '{"a":[ 1 , 3 ]}');
  assert.equal(edited(text, ["/x"], ["/a/b"]), text);
});

test("an edit goes as deep as its pointer and makes what is missing", () => {
  const text = '{ "a": { "b" : [ 1 , {"c":2} ] , "d":null }, "e":"\\u0041\\\\\\"}", "n":1.0e2 }';
  for (const [edit, was, becomes] of [
    [["/a/b/1/c", "v"], '{"c":2}', '{"c":"v"}'],
    [["/a/b/1/x/y", 3], '{"c":2}', '{"c":2,"x":{"y":3}}'],
    [["/a/b/2", 3], '{"c":2} ]', '{"c":2} ,3]'],
    [["/a/b/-", 3], '{"c":2} ]', '{"c":2} ,3]'],
    [["/n", 1], "1.0e2", "1"],
  ]) {
    assert.equal(edited(text, edit), text.replace(was, becomes));
  }
  assert.equal(edited("{}", ["/a~1b/~0", null]), '{"a/b":{"~":null}}');
});

test("numbers keep their digits", () => {
  const text = '{"id":12345678901234567890,"x":1.10,"y":1E400}';
  assert.equal(edited(text, ["/z", true]), `${text.slice(0, -1)},"z":true}`);
});

test("a number that is read and set again is what JavaScript has for it", () => {
  const text = '{"id":12345678901234567890,"y":1E400}';
  const json = JSON.parse(text);
  assert.equal(edited(text, ["/id", json.id]), '{"id":12345678901234567000,"y":1E400}');
  for (const wrong of [json.y, NaN, -Infinity, { a: [null, NaN] }, [Infinity], new Number(NaN)]) {
    for (const pointer of ["/y", "/new", "/deep/new"]) assert.throws(() => edited(text, [pointer, wrong]), RangeError);
  }
  for (const right of [null, "null", { null: [null, "NaN", 1] }]) {
    assert.equal(edited("{}", ["/null", right]), `{"null":${JSON.stringify(right)}}`);
  }
});

test("where there is no place is said", () => {
  for (const [text, pointer] of [
    ["[1]", "/0"],
    ["1", "/a"],
    ["{}", ""],
    ["{}", "a"],
    ['{"a":1}', "/a/b"],
    ['{"a":[1]}', "/a/2"],
    ['{"a":[1]}', "/a/x"],
  ]) {
    assert.throws(() => edited(text, [pointer, 1]), EditError, `${text} ${pointer}`);
  }
  assert.throws(() => edited("{}", ["/a", undefined]), TypeError);
});

// A generator of numbers that is the same on every run (mulberry32).
function seeded(state) {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % below;
  };
}

test("edits are those of an object", () => {
  const below = seeded(1);
  const one = (list) => list[below(list.length)];
  const keys = ["a", "b", "ä", "a/b", "~", '"', "", "__proto__"];
  const value = (depth) => {
    const kind = below(depth > 0 ? 3 : 1);
    if (kind === 1) return Object.fromEntries(Array.from({ length: below(4) }, () => [one(keys), value(depth - 1)]));
    if (kind === 2) return Array.from({ length: below(4) }, () => value(depth - 1));
    return one([null, true, 0, -1.5, "", 'é\n\\"{[', 2 ** 60]);
  };
  const define = (object, key, it) => Object.defineProperty(object, key, { value: it, writable: true, enumerable: true, configurable: true });
  const child = (model, token) => lookup(model, `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`, undefined);

  // Sets it in an object; false where there is no place for it.
  const assigned = (model, path, it) => {
    for (const [depth, name] of path.entries()) {
      let token = name;
      if (Array.isArray(model)) {
        if (token === "-") token = String(model.length);
        if (!/^\d+$/.test(token) || Number(token) > model.length) return false;
      } else if (typeof model !== "object" || model === null) {
        return false;
      }
      if (depth === path.length - 1) define(model, token, it);
      else if (child(model, token) === undefined) define(model, token, {});
      model = child(model, token);
    }
    return true;
  };
  const removed = (model, path) => {
    for (const token of path.slice(0, -1)) model = child(model, token);
    const token = path.at(-1);
    if (child(model, token) === undefined) return false;
    if (Array.isArray(model)) model.splice(Number(token), 1);
    else delete model[token];
    return true;
  };

  for (let round = 0; round < 2_000; round += 1) {
    let model = Object.fromEntries(Array.from({ length: below(4) }, () => [one(keys), value(2)]));
    const text = JSON.stringify(model, null, below(2));
    const document = new Edits(text, JSON.parse(text));
    for (let edit = 0; edit < 3; edit += 1) {
      const path = [one(keys), ...Array.from({ length: below(3) }, () => one([...keys, "0", "1", "-"]))];
      const pointer = path.map((it) => `/${it.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
      if (below(10) < 3) {
        assert.equal(document.remove(pointer), removed(model, path));
        continue;
      }
      const [added, before] = [value(1), JSON.stringify(model)];
      if (assigned(model, path, structuredClone(added))) {
        document.set(pointer, added);
      } else {
        model = JSON.parse(before);
        assert.throws(() => document.set(pointer, added), EditError);
      }
    }
    assert.deepEqual(JSON.parse(document.text()), JSON.parse(JSON.stringify(model)));
  }
});

test("what is no JSON is refused", () => {
  for (const value of ["", "{", "{} x", "NaN", "{'a':1}", "\ufeff{}"]) {
    assert.throws(() => parse(encode(value)), (error) => error instanceof Reject && error.message.startsWith("invalid JSON: "));
  }
  assert.throws(() => parse(Uint8Array.of(0x22, 0xc3, 0x22)), Reject);
  assert.throws(() => parse(null), new Reject("invalid JSON: a tombstone"));
});

test("pointers find what they name", () => {
  const value = { a: { "b/c": [1, { "~": 2 }] }, "": 3 };
  for (const [pointer, found] of [
    ["/a/b~1c/1/~0", 2],
    ["/", 3],
    ["/a/b~1c/0", 1],
    ["/a/b~1c/00", "no"],
    ["/a/b~1c/length", "no"],
    ["/toString", "no"],
    ["/a/b~1c/2", "no"],
  ]) {
    assert.equal(lookup(value, pointer, "no"), found, pointer);
  }
});
