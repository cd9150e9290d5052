// A record as a plugin sees it, and what the plugin sets on it. index.d.ts has the words.

import { Reject, SAME } from "./fate.js";
import { isBelow } from "./id.js";
import { EditError, Edits, lookup, parse, tokens } from "./jsontext.js";
import { bytesOf } from "./text.js";

// Its own fields are no private ones: those take the engine longer, and there is a record for each.
export class Record {
  constructor(input, index, value) {
    this._input = input;
    this._index = index;
    this._parsed = null;
    this.value = value;
    // What was set, for the answer.
    this.edits = null;
    this.newValue = SAME;
    this.newKey = SAME;
    this.newTimestampMs = null;
    this.newRoute = null;
  }

  get key() {
    return this._input.key(this._index);
  }

  get headers() {
    return this._input.headers(this._index);
  }

  header(name) {
    const headers = this.headers;
    for (let index = headers.length - 1; index >= 0; index -= 1) {
      if (headers[index][0] === name) return headers[index][1];
    }
    return null;
  }

  get timestampMs() {
    return this._input.timestampMs(this._index);
  }

  get source() {
    return this._input.position().source;
  }

  get topic() {
    return this._input.position().topic;
  }

  get partition() {
    return this._input.position().partition;
  }

  get offset() {
    return Number(this._input.position().offsets[this._index]);
  }

  get number() {
    return this._input.position().numbers[this._index];
  }

  idHash() {
    return this._input.idHash(this._index);
  }

  isSampled(share) {
    return isBelow(this.idHash(), share);
  }

  json() {
    if (this._parsed === null) this._parsed = parse(this.value);
    return this._parsed.json;
  }

  get(pointer, otherwise) {
    let json;
    try {
      json = this.json();
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      // What is no pointer is an error whatever the value is.
      tokens(pointer);
      return otherwise;
    }
    return lookup(json, pointer, otherwise);
  }

  set(pointer, value) {
    this._edited().set(pointer, value);
  }

  remove(pointer) {
    return this._edited().remove(pointer);
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
    this._input.timestampMs(this._index);
    this.newTimestampMs = BigInt(timestampMs);
  }

  route(route) {
    this.newRoute = String(route);
  }

  count(name, amount = 1) {
    this._input.effects.count(name, amount);
  }

  log(level, line) {
    this._input.effects.log(level, this._index, line);
  }

  // Whether anything was set on it.
  isTouched() {
    const { edits, newValue, newKey, newTimestampMs, newRoute } = this;
    const isEdited = edits !== null && edits.touched;
    return isEdited || newValue !== SAME || newKey !== SAME || newTimestampMs !== null || newRoute !== null;
  }

  _edited() {
    if (this.newValue !== SAME) throw new EditError("cannot be edited: the value was set as a whole before");
    if (this.edits === null) {
      const json = this.json();
      this.edits = new Edits(this._parsed.text, json);
    }
    return this.edits;
  }
}
