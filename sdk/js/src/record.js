// A record as a plugin sees it, and what the plugin sets on it. index.d.ts has the words.

import { Reject, SAME } from "./fate.js";
import { hash, isBelow } from "./id.js";
import { Edits, lookup, parse } from "./jsontext.js";
import { bytesOf, encode } from "./text.js";

export class Record {
  #input;
  #index;
  #parsed = null;

  constructor(input, index, value) {
    this.#input = input;
    this.#index = index;
    this.value = value;
    // What was set, for the answer.
    this.edits = null;
    this.newValue = SAME;
    this.newKey = SAME;
    this.newTimestampMs = null;
    this.newRoute = null;
  }

  get key() {
    return this.#input.key(this.#index);
  }

  get headers() {
    return this.#input.headers(this.#index);
  }

  header(name) {
    return this.headers.findLast(([it]) => it === name)?.[1] ?? null;
  }

  get timestampMs() {
    return this.#input.timestampMs(this.#index);
  }

  get source() {
    return this.#input.position().source;
  }

  get topic() {
    return this.#input.position().topic;
  }

  get partition() {
    return this.#input.position().partition;
  }

  get offset() {
    return Number(this.#input.position().offsets[this.#index]);
  }

  get number() {
    return this.#input.position().numbers[this.#index];
  }

  idHash() {
    const { source, topic, partition, offsets, numbers } = this.#input.position();
    return hash(encode(`${source}/${topic}/${partition}/${offsets[this.#index]}/${numbers[this.#index]}`));
  }

  isSampled(share) {
    return isBelow(this.idHash(), share);
  }

  json() {
    this.#parsed ??= parse(this.value);
    return this.#parsed.json;
  }

  get(pointer, otherwise) {
    let json;
    try {
      json = this.json();
    } catch (error) {
      if (error instanceof Reject) return otherwise;
      throw error;
    }
    return lookup(json, pointer, otherwise);
  }

  set(pointer, value) {
    this.#edited().set(pointer, value);
  }

  remove(pointer) {
    return this.#edited().remove(pointer);
  }

  setValue(value) {
    this.newValue = bytesOf(value, "a value");
  }

  setTombstone() {
    this.newValue = null;
  }

  setKey(key) {
    this.newKey = key === null ? null : bytesOf(key, "a key");
  }

  setTimestampMs(timestampMs) {
    this.#input.timestampMs(this.#index);
    this.newTimestampMs = BigInt(timestampMs);
  }

  route(route) {
    this.newRoute = String(route);
  }

  count(name, amount = 1) {
    this.#input.effects.count(name, amount);
  }

  log(level, line) {
    this.#input.effects.log(level, this.#index, line);
  }

  #edited() {
    if (this.edits === null) {
      const json = this.json();
      this.edits = new Edits(this.#parsed.text, json);
    }
    return this.edits;
  }
}
