// A batch in, an answer out: the flat form of the contract, which the plugin never sees.

import { Effects } from "./effects.js";
import { Fate, Reject, SAME } from "./fate.js";
import { pack, unpack } from "./headers.js";
import { hash, prefix } from "./id.js";
import { wantsOf } from "./plugin.js";
import { Record } from "./record.js";
import { bytesOf, concat, encode, own } from "./text.js";

// Fates by number; 0 is to keep.
const DROP = 1;
const EMIT = 2;
const REJECT = 3;
// No value, key, headers or route.
const NONE = -1;
// The value, key or headers that the record has.
const SAME_LENGTH = -2;
// Numbers in one row: record, value, key, headers, route.
const STRIDE = 5;
const COUNT_MAX = (1n << 64n) - 1n;

// A batch whose metadata is looked up by the index of a record; what the plugin does not want is an error.
class Input {
  constructor(batch, wants) {
    this.batch = batch;
    this.wants = wants;
    this.effects = new Effects();
    this.keyEnds = null;
    this.headerEnds = null;
    // The hash of what the ids of all records begin with.
    this.idPrefix = null;
  }

  key(index) {
    this.asked("key");
    this.keyEnds ??= ends(this.batch.keyLengths);
    return part(own(this.batch.keys), this.batch.keyLengths, this.keyEnds, index);
  }

  headers(index) {
    this.asked("headers");
    this.headerEnds ??= ends(this.batch.headerLengths);
    const flat = part(own(this.batch.headers), this.batch.headerLengths, this.headerEnds, index);
    return flat === null ? [] : unpack(flat);
  }

  timestampMs(index) {
    this.asked("timestamp");
    const time = Number(this.batch.timestamps[index]);
    return time === -1 ? null : time;
  }

  position() {
    this.asked("position");
    return this.batch;
  }

  idHash(index) {
    const { source, topic, partition, offsets, numbers } = this.position();
    this.idPrefix ??= prefix(encode(`${source}/${topic}/${partition}/`));
    return hash(encode(`${offsets[index]}/${numbers[index]}`), this.idPrefix);
  }

  asked(metadata) {
    if (!this.wants[metadata]) throw new Error(`the plugin uses metadata that its static wants does not have: ${metadata}`);
  }
}

// The plugin's answer to a batch. Throws what the plugin throws, but for Reject.
export function process(plugin, batch, wants = wantsOf(plugin.constructor)) {
  const input = new Input(batch, wants);
  const answer = new AnswerWriter(batch, input.effects);
  const valueLengths = batch.valueLengths;
  const values = own(batch.values);
  let at = 0;
  for (let index = 0; index < valueLengths.length; index += 1) {
    const length = valueLengths[index];
    const value = length < 0 ? null : values.subarray(at, at + length);
    if (length > 0) at += length;
    const record = new Record(input, index, value);
    let fate;
    try {
      fate = plugin.process(record);
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      fate = Fate.reject(error.message);
    }
    answer.push(index, record, fate);
  }
  return answer.finish();
}

// The answer to a batch, grown record by record.
class AnswerWriter {
  constructor(batch, effects) {
    this.batch = batch;
    this.effects = effects;
    this.fates = new Uint8Array(batch.valueLengths.length);
    this.rows = [];
    // One for each row; null where it was given none.
    this.times = [];
    this.parts = [];
  }

  // Answers for the next record.
  push(index, record, fate) {
    if (fate === Fate.KEEP) {
      if (record.isTouched()) this.kept(index, record);
    } else if (fate === Fate.DROP) {
      this.fates[index] = DROP;
    } else if (!(fate instanceof Fate)) {
      throw new TypeError(`process returned ${String(fate)}, which is no fate: return Fate.KEEP, Fate.DROP, …`);
    } else if (fate.name === "emit") {
      for (let at = 0; at < fate.outputs.length; at += 1) this.output(index, fate.outputs[at]);
      this.fates[index] = EMIT;
    } else {
      this.rows.push(index, this.put(fate.reason, "a reason"), NONE, NONE, NONE);
      this.times.push(null);
      this.fates[index] = REJECT;
    }
  }

  kept(index, record) {
    let value = record.newValue;
    if (value === SAME && record.edits?.touched) value = record.edits.text();
    // In the order of the contract.
    const valueLength = this.put(value, "a value");
    const keyLength = this.put(record.newKey, "a key");
    const routeLength = this.put(record.newRoute, "a route");
    this.row(index, valueLength, keyLength, SAME_LENGTH, routeLength, record.newTimestampMs);
    this.fates[index] = EMIT;
  }

  output(index, { value, key, headers, timestampMs, route }) {
    let packed = headers;
    if (headers !== SAME) {
      packed = pack(headers);
      if (packed.length === 0) packed = null;
    }
    const valueLength = this.put(value, "a value");
    const keyLength = this.put(key, "a key");
    const headersLength = this.put(packed, "headers");
    const routeLength = this.put(route, "a route");
    this.row(index, valueLength, keyLength, headersLength, routeLength, timestampMs === null ? null : BigInt(timestampMs));
  }

  put(part, what) {
    if (part === SAME) return SAME_LENGTH;
    if (part === null) return NONE;
    const bytes = bytesOf(part, what);
    this.parts.push(bytes);
    return bytes.length;
  }

  row(index, value, key, headers, route, timestampMs) {
    if (timestampMs !== null && this.batch.timestamps.length !== this.batch.valueLengths.length) {
      throw new Error("the plugin sets times, but its static wants does not have timestamp");
    }
    this.rows.push(index, value, key, headers, route);
    this.times.push(timestampMs);
  }

  // The whole answer, with what was counted and logged.
  finish() {
    const names = [];
    const counts = [];
    this.effects.counts.forEach((amount, name) => {
      if (amount === 0) return;
      const sum = BigInt(amount);
      names.push(encode(name));
      counts.push(sum > COUNT_MAX ? COUNT_MAX : sum);
    });
    const lines = this.effects.lines;
    return {
      fates: this.fates,
      rows: Int32Array.from(this.rows),
      timestamps: this.timestamps(),
      bytes: concat(this.parts),
      countNames: Int32Array.from(names, (name) => name.length),
      counts: BigUint64Array.from(counts),
      logs: Int32Array.from(lines.flatMap(({ level, index, text }) => [level, index, text.length])),
      words: concat(names.concat(lines.map(({ text }) => text))),
    };
  }

// None where no row was given one; else rows that were not have their records'.
  timestamps() {
    if (this.times.every((time) => time === null)) return new BigInt64Array();
    const times = this.times.map((time, row) => time ?? this.batch.timestamps[this.rows[row * STRIDE]]);
    return BigInt64Array.from(times);
  }
}

function ends(lengths) {
  const all = new Array(lengths.length);
  let end = 0;
  for (let index = 0; index < lengths.length; index += 1) {
    if (lengths[index] > 0) end += lengths[index];
    all[index] = end;
  }
  return all;
}

function part(flat, lengths, ends, index) {
  const length = lengths[index];
  return length < 0 ? null : flat.subarray(ends[index] - length, ends[index]);
}
