// Settings against the JSON schema of the plugin, with words that name the field.
//
// Of JSON schema it knows `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `minimum`, `maximum`, `minLength`,
// `maxLength`, `minItems`, `maxItems` and `default`; `title`, `description`, `examples`, `format` and `$schema` are for readers.

import { ConfigError } from "./plugin.js";

const WORDS = (
  "title description examples format $schema type properties required additionalProperties items enum minimum maximum " +
  "minLength maxLength minItems maxItems default"
).split(" ");
const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (it) => typeof it === "string",
  boolean: (it) => typeof it === "boolean",
  integer: Number.isInteger,
  number: (it) => typeof it === "number",
  null: (it) => it === null,
};

// Throws for a schema with words that would not be heeded: better now than a rule that no one keeps.
export function checkSchema(schema, field = "") {
  const refuse = (what) => {
    throw new TypeError(`the schema of the settings ${what} at ${field || "/"}`);
  };
  if (!isObject(schema)) refuse("is no object");
  const unknown = Object.keys(schema).filter((it) => !WORDS.includes(it));
  if (unknown.length > 0) refuse(`has words that the SDK does not know (${unknown.join(", ")})`);
  const kind = kindsOf(schema).find((it) => !Object.hasOwn(TYPES, it));
  if (kind !== undefined) refuse(`has an unknown type (${kind})`);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) checkSchema(inner, `${field}/${escaped(name)}`);
  for (const word of ["items", "additionalProperties"]) {
    if (isObject(schema[word])) checkSchema(schema[word], `${field}/${word}`);
  }
}

// `value` with the defaults of `schema` put in. Throws ConfigError with a pointer to the first field that does not fit.
export function checked(value, schema, field = "") {
  const kinds = kindsOf(schema);
  if (kinds.length > 0 && !kinds.some((it) => TYPES[it](value))) {
    throw new ConfigError(field, `must be ${kinds.map(article).join(" or ")}`);
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    throw new ConfigError(field, `must be one of ${schema.enum.join(", ")}`);
  }
  if (Array.isArray(value)) {
    bounds(value.length, schema, "minItems", "maxItems", field, " elements");
    return value.map((it, index) => checked(it, schema.items ?? {}, `${field}/${index}`));
  }
  if (isObject(value)) return object(value, schema, field);
  if (typeof value === "string") bounds([...value].length, schema, "minLength", "maxLength", field, " characters");
  if (typeof value === "number") bounds(value, schema, "minimum", "maximum", field, "");
  return value;
}

function object(value, schema, field) {
  const known = schema.properties ?? {};
  const others = schema.additionalProperties ?? true;
  const place = (name) => `${field}/${escaped(name)}`;
  const done = new Map();
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(known, name)) {
      done.set(name, checked(inner, known[name], place(name)));
    } else if (others === false) {
      const names = Object.keys(known).join(", ");
      throw new ConfigError(place(name), `is unknown${names ? `; there are ${names}` : ""}`);
    } else {
      done.set(name, isObject(others) ? checked(inner, others, place(name)) : inner);
    }
  }
  for (const name of schema.required ?? []) {
    if (!done.has(name)) throw new ConfigError(place(name), "is missing");
  }
  for (const [name, inner] of Object.entries(known)) {
    if (!done.has(name) && inner.default !== undefined) done.set(name, checked(inner.default, inner, place(name)));
  }
  return Object.fromEntries(done);
}

function bounds(value, schema, low, high, field, unit) {
  if (value < schema[low]) throw new ConfigError(field, `must be at least ${schema[low]}${unit}`);
  if (value > schema[high]) throw new ConfigError(field, `must be at most ${schema[high]}${unit}`);
}

function kindsOf(schema) {
  return schema.type === undefined ? [] : [schema.type].flat();
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function article(kind) {
  if (kind === "null") return kind;
  return `${"aio".includes(kind[0]) ? "an" : "a"} ${kind}`;
}

function escaped(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
