// Which records have a share of their own.

import { ConfigError } from "tamis-sdk";

import { checkPointer } from "./settings.js";

const TESTS = ["is", "is_not", "starts_with", "at_least"];

export class Rule {
  #field;
  #test;
  share;

  // `place` is the JSON pointer to the rule in the settings.
  constructor({ field, share, ...tests }, place) {
    checkPointer(field, `${place}/field`);
    const [kind, ...others] = Object.keys(tests);
    if (kind === undefined || others.length > 0) throw new ConfigError(place, `must have one of ${TESTS.join(", ")}`);
    this.#field = field;
    this.#test = testOf(kind, tests[kind]);
    this.share = share;
  }

  fits(record) {
    return this.#test(record.get(this.#field));
  }
}

function testOf(kind, operand) {
  if (kind === "at_least") return (value) => typeof value === "number" && value >= operand;
  // Levels are written in upper and lower case.
  const wanted = operand.map((it) => String(it).toLowerCase());
  if (kind === "starts_with") return (value) => typeof value === "string" && wanted.some((it) => value.toLowerCase().startsWith(it));
  const isThere = (value) => value !== undefined && value !== null && wanted.includes(String(value).toLowerCase());
  return kind === "is" ? isThere : (value) => !isThere(value);
}
