import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "tamis-sdk";
import { configure, effects, run } from "tamis-sdk/testing";

import Sample from "../src/index.js";

function names(settings, records) {
  return run(Sample, settings, records).map((fate) => fate.name);
}

test("the first rule that fits counts, and the share of the rest is 1", () => {
  const rules = [
    { field: "/Type", is: ["error", "fatal"], share: 1 },
    { field: "/path", starts_with: ["/health"], share: 0 },
    { field: "/ms", at_least: 100, share: 1 },
    { field: "/code", is: [200], share: 0 },
    { field: "/Type", is_not: ["info"], share: 0 },
  ];
  for (const [record, expected] of [
    ['{"Type":"ERROR","path":"/healthz"}', "keep"],
    ['{"Type":"info","path":"/Healthz"}', "drop"],
    ['{"Type":"info","ms":100,"code":200}', "keep"],
    ['{"Type":"info","ms":99,"code":200}', "drop"],
    ['{"Type":"info"}', "keep"],
    ['{"Type":"debug"}', "drop"],
    ["{}", "drop"],
    ["no JSON", "drop"],
  ]) {
    assert.deepEqual(names({ rules }, [record]), [expected], record);
  }
});

test("about the share stays, and a larger one has all that a smaller one has", () => {
  const records = Array.from({ length: 10_000 }, (_, index) => `{"n":${index}}`);
  const kept = [0.1, 0.2].map((share) => names({ share }, records));
  const counts = kept.map((fates) => fates.filter((fate) => fate === "keep").length);
  assert.ok(counts[0] > 900 && counts[0] < 1_100, `${counts}`);
  assert.ok(counts[1] > 1_850 && counts[1] < 2_150, `${counts}`);
  assert.ok(kept[0].every((fate, index) => fate === "drop" || kept[1][index] === "keep"));
});

test("what belongs together stays or goes together", () => {
  const records = Array.from({ length: 4_000 }, (_, index) => JSON.stringify({ trace: `t${index % 400}`, n: index }));
  const fates = names({ share: 0.5, by: ["/nothing", "/trace"] }, records);
  assert.ok(fates.every((fate, index) => fate === fates[index % 400]));
  const kept = fates.filter((fate) => fate === "keep").length;
  assert.ok(kept > 1_600 && kept < 2_400, `${kept}`);
});

test("numbers are keys, too, and an empty text is none", () => {
  const decided = (by) => names({ share: 0.5, by: ["/id"] }, Array(64).fill(`{"id":${by}}`));
  for (const by of ["7", "true", '"x"']) assert.equal(new Set(decided(by)).size, 1, by);
  for (const by of ['""', "null", "{}"]) assert.equal(new Set(decided(by)).size, 2, by);
});

test("a record that stays says how many it stands for", () => {
  const settings = { share: 0.25, weight_to: "/weight", rules: [{ field: "/Type", is: ["error"], share: 1 }] };
  const records = Array.from({ length: 100 }, () => '{"a":1}');
  const fates = run(Sample, settings, [...records, "[]", '{"Type":"error"}']);
  const kept = fates.slice(0, 100).filter((fate) => fate.name === "emit");
  assert.ok(kept.length > 5 && kept.every((fate) => fate.value === '{"a":1,"weight":4}'));
  assert.equal(fates.at(-1).name, "keep");
});

test("a record that has no place for its weight stays as it is, and is counted", () => {
  const settings = { share: 0.999999, weight_to: "/a/weight" };
  const records = ['{"a":"text"}', '{"a":[1]}', "[]", "no JSON", { value: null }, '{"a":{}}'];
  assert.deepEqual(names(settings, records), [...Array(5).fill("keep"), "emit"]);
  assert.deepEqual(effects(Sample, settings, records).counts, { no_place: 5 });
});

test("what goes is counted", () => {
  assert.deepEqual(effects(Sample, { share: 0 }, ["{}", "{}"]).counts, { sampled_out: 2 });
});

test("a tombstone is a record like others", () => {
  assert.deepEqual(names({ share: 1 }, [{ value: null }]), ["keep"]);
  assert.deepEqual(names({ share: 0, by: ["/a"] }, [{ value: null }]), ["drop"]);
});

test("a pointer that is none is refused by its name", () => {
  const rule = { field: "/a", is: ["x"], share: 1 };
  for (const [settings, field] of [
    [{ rules: [rule, { ...rule, field: "a" }] }, "/rules/1/field"],
    [{ rules: [{ ...rule, field: "" }] }, "/rules/0/field"],
    [{ by: ["/a", "trace_id"] }, "/by/1"],
    [{ weight_to: "weight" }, "/weight_to"],
    [{ weight_to: "" }, "/weight_to"],
  ]) {
    assert.throws(() => configure(Sample, settings), (error) => error instanceof ConfigError && error.field === field, field);
  }
});

test("rules that make no sense are refused", () => {
  for (const [rule, field] of [
    [{ field: "/a", share: 1 }, "/rules/0"],
    [{ field: "/a", is: ["x"], at_least: 1, share: 1 }, "/rules/0"],
    [{ field: "/a", is: [], share: 1 }, "/rules/0/is"],
    [{ field: "/a", is: ["x"], share: 2 }, "/rules/0/share"],
    [{ field: "/a", equals: "x", share: 1 }, "/rules/0/equals"],
  ]) {
    assert.throws(() => configure(Sample, { rules: [rule] }), (error) => error instanceof ConfigError && error.field === field);
  }
});
