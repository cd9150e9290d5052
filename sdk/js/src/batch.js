// A batch in, an answer out: the flat form of the contract, which the plugin never sees.

import { Effects } from "./effects.js";
import { Fate, Reject, SAME } from "./fate.js";
import { pack, unpack } from "./headers.js";
import { wantsOf } from "./plugin.js";
import { Record } from "./record.js";
import { bytesOf, concat, encode } from "./text.js";

const [KEEP, DROP, EMIT, REJECT] = [0, 1, 2, 3];
// No value, key, headers or route.
const NONE = -1;
// The value, key or headers that the record has.
const SAME_LENGTH = -2;
// Numbers in one row: record, value, key, headers, route.
const STRIDE = 5;
const COUNT_MAX = (1n << 64n) - 1n;

// A batch whose metadata is looked up by the index of a record; what the plugin does not want is an error.
class Input {
  #batch;
  #wants;
  #keyEnds = null;
  #headerEnds = null;

  constructor(batch, wants) {
    this.#batch = batch;
    this.#wants = wants;
    this.effects = new Effects();
  }

  key(index) {
    this.#asked("key");
    this.#keyEnds ??= ends(this.#batch.keyLengths);
    return part(this.#batch.keys, this.#batch.keyLengths, this.#keyEnds, index);
  }

  headers(index) {
    this.#asked("headers");
    this.#headerEnds ??= ends(this.#batch.headerLengths);
    const flat = part(this.#batch.headers, this.#batch.headerLengths, this.#headerEnds, index);
    return flat === null ? [] : unpack(flat);
  }

  timestampMs(index) {
    this.#asked("timestamp");
    const time = Number(this.#batch.timestamps[index]);
    return time === -1 ? null : time;
  }

  position() {
    this.#asked("position");
    return this.#batch;
  }

  #asked(metadata) {
    if (!this.#wants[metadata]) throw new Error(`the plugin uses metadata that its static wants does not have: ${metadata}`);
  }
}

// The plugin's answer to a batch. Throws what the plugin throws, but for Reject.
export function process(plugin, batch, wants = wantsOf(plugin.constructor)) {
  const input = new Input(batch, wants);
  const answer = new AnswerWriter(batch, input.effects);
  const { values, valueLengths } = batch;
  let at = 0;
  for (let index = 0; index < valueLengths.length; index += 1) {
    const length = valueLengths[index];
    const value = length < 0 ? null : values.subarray(at, at + length);
    at += Math.max(length, 0);
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
  #batch;
  #effects;
  #fates = [];
  #rows = [];
  #times = [];
  #parts = [];

  constructor(batch, effects) {
    this.#batch = batch;
    this.#effects = effects;
  }

  // Answers for the next record.
  push(index, record, fate) {
    if (!(fate instanceof Fate)) {
      throw new TypeError(`process returned ${String(fate)}, which is no fate: return Fate.KEEP, Fate.DROP, …`);
    }
    if (fate === Fate.KEEP) {
      this.#fates.push(this.#kept(index, record));
    } else if (fate === Fate.DROP) {
      this.#fates.push(DROP);
    } else if (fate.name === "emit") {
      for (const output of fate.outputs) this.#output(index, output);
      this.#fates.push(EMIT);
    } else {
      const reason = this.#put(fate.reason, "a reason");
      this.#row([index, reason, NONE, NONE, NONE], null);
      this.#fates.push(REJECT);
    }
  }

  #kept(index, record) {
    let value = record.newValue;
    if (value === SAME && record.edits?.touched) value = record.edits.text();
    const { newKey, newTimestampMs, newRoute } = record;
    if (value === SAME && newKey === SAME && newTimestampMs === null && newRoute === null) return KEEP;
    // In the order of the contract.
    const lengths = [this.#put(value, "a value"), this.#put(newKey, "a key"), SAME_LENGTH, this.#put(newRoute, "a route")];
    this.#row([index, ...lengths], newTimestampMs);
    return EMIT;
  }

  #output(index, { value, key, headers, timestampMs, route }) {
    let packed = headers;
    if (headers !== SAME) {
      packed = pack(headers);
      if (packed.length === 0) packed = null;
    }
    const lengths = [this.#put(value, "a value"), this.#put(key, "a key"), this.#put(packed, "headers"), this.#put(route, "a route")];
    this.#row([index, ...lengths], timestampMs === null ? null : BigInt(timestampMs));
  }

  #put(part, what) {
    if (part === SAME) return SAME_LENGTH;
    if (part === null) return NONE;
    const bytes = bytesOf(part, what);
    this.#parts.push(bytes);
    return bytes.length;
  }

  #row(row, timestampMs) {
    if (timestampMs !== null && this.#batch.timestamps.length !== this.#batch.valueLengths.length) {
      throw new Error("the plugin sets times, but its static wants does not have timestamp");
    }
    this.#rows.push(...row);
    this.#times.push(timestampMs);
  }

  // The whole answer, with what was counted and logged.
  finish() {
    const counts = [...this.#effects.counts].filter(([, amount]) => amount > 0).map(([name, amount]) => [encode(name), amount]);
    const lines = this.#effects.lines;
    const amounts = counts.map(([, amount]) => BigInt(amount)).map((it) => (it > COUNT_MAX ? COUNT_MAX : it));
    return {
      fates: Uint8Array.from(this.#fates),
      rows: Int32Array.from(this.#rows),
      timestamps: this.#timestamps(),
      bytes: concat(this.#parts),
      countNames: Int32Array.from(counts, ([name]) => name.length),
      counts: BigUint64Array.from(amounts),
      logs: Int32Array.from(lines.flatMap(({ level, index, text }) => [level, index, text.length])),
      words: concat([...counts.map(([name]) => name), ...lines.map(({ text }) => text)]),
    };
  }

  // None where no row was given one; else rows that were not have their records'.
  #timestamps() {
    if (this.#times.every((time) => time === null)) return new BigInt64Array();
    const times = this.#times.map((time, row) => time ?? this.#batch.timestamps[this.#rows[row * STRIDE]]);
    return BigInt64Array.from(times);
  }
}

function ends(lengths) {
  let end = 0;
  return Array.from(lengths, (length) => (end += Math.max(length, 0)));
}

function part(flat, lengths, ends, index) {
  const length = lengths[index];
  return length < 0 ? null : flat.subarray(ends[index] - length, ends[index]);
}
