// Keeps a share of the records, by rules, and what belongs together as a whole.

import { EditError, Fate, isInSample } from "tamis-sdk";

import { Rule } from "./rule.js";
import { SETTINGS, checkPointer } from "./settings.js";

export default class Sample {
  static settings = SETTINGS;
  static wants = ["position"];

  constructor({ rules, share, by, weight_to: weightTo }) {
    by.forEach((pointer, index) => checkPointer(pointer, `/by/${index}`));
    if (weightTo !== undefined) checkPointer(weightTo, "/weight_to");
    this.rules = rules.map((rule, index) => new Rule(rule, `/rules/${index}`));
    this.share = share;
    this.by = by;
    this.weightTo = weightTo;
  }

  process(record) {
    const share = this.#shareOf(record);
    if (share >= 1) return Fate.KEEP;
    if (share <= 0 || !this.#isKept(record, share)) {
      record.count("sampled_out");
      return Fate.DROP;
    }
    if (this.weightTo !== undefined && !this.#isWeighted(record, 1 / share)) record.count("no_place");
    return Fate.KEEP;
  }

  // False where something stands in the way: the record is worth more than what it lacks.
  #isWeighted(record, weight) {
    // What is no JSON at all would be a dead letter for that alone.
    if (!isObject(record.get(""))) return false;
    try {
      record.set(this.weightTo, weight);
    } catch (error) {
      if (!(error instanceof EditError)) throw error;
      return false;
    }
    return true;
  }

  #shareOf(record) {
    // Loops that count: see the README of the SDK.
    for (let index = 0; index < this.rules.length; index += 1) {
      if (this.rules[index].fits(record)) return this.rules[index].share;
    }
    return this.share;
  }

  #isKept(record, share) {
    for (let index = 0; index < this.by.length; index += 1) {
      const value = record.get(this.by[index]);
      if (typeof value === "string" && value !== "") return isInSample(value, share);
      if (typeof value === "number" || typeof value === "boolean") return isInSample(String(value), share);
    }
    return record.isSampled(share);
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
