// Settings are what the schema says, and what does not fit is named by its field.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../src/index.js";
import { configure } from "../src/testing.js";

const SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["mode"],
  properties: {
    mode: { enum: ["a", "b"], description: "which" },
    share: { type: "number", minimum: 0, maximum: 1, default: 0.5 },
    names: { type: "array", items: { type: "string", minLength: 1 }, maxItems: 2 },
    by: { type: "object", additionalProperties: { type: "integer" } },
    flag: { type: ["boolean", "null"] },
  },
};

function withSettings(schema) {
  return class {
    static settings = schema;

    constructor(settings) {
      this.taken = settings;
    }
  };
}

function refused(schema, settings) {
  try {
    configure(withSettings(schema), settings);
  } catch (error) {
    assert.ok(error instanceof ConfigError, error);
    return [error.field, error.text];
  }
  return null;
}

test("defaults are put in", () => {
  const { taken } = configure(withSettings(SCHEMA), { mode: "a", by: { x: 2 } });
  assert.deepEqual(taken, { mode: "a", share: 0.5, by: { x: 2 } });
});

test("what does not fit is named by its field", () => {
  for (const [settings, field, message] of [
    [{}, "/mode", "is missing"],
    [[], "", "must be an object"],
    [{ mode: "c" }, "/mode", "must be one of a, b"],
    [{ mode: "a", share: 2 }, "/share", "must be at most 1"],
    [{ mode: "a", share: true }, "/share", "must be a number"],
    [{ mode: "a", names: ["x", ""] }, "/names/1", "must be at least 1 characters"],
    [{ mode: "a", names: ["x", "y", "z"] }, "/names", "must be at most 2 elements"],
    [{ mode: "a", by: { "a/b": 1.5 } }, "/by/a~1b", "must be an integer"],
    [{ mode: "a", flag: 1 }, "/flag", "must be a boolean or null"],
    [{ mode: "a", mod: 1 }, "/mod", "is unknown; there are mode, share, names, by, flag"],
  ]) {
    assert.deepEqual(refused(SCHEMA, settings), [field, message]);
  }
});

test("a plugin without a schema takes no settings", () => {
  assert.deepEqual(refused(undefined, { a: 1 }), ["/a", "is unknown"]);
});

test("a schema whose words would not be heeded is refused", () => {
  for (const schema of [
    { type: "object", patternProperties: {} },
    { properties: { a: { oneOf: [] } } },
    { type: "text" },
    { items: { pattern: "a" } },
    "object",
  ]) {
    assert.throws(() => configure(withSettings(schema), {}), /the schema of the settings/);
  }
});
