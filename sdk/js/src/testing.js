// Runs a plugin as plain JavaScript, in the flat form that it has in the sandbox. testing.d.ts has the words.

import { process } from "./batch.js";
import { pack, unpack } from "./headers.js";
import { schemaOf, wantsOf } from "./plugin.js";
import { checked, checkSchema } from "./schema.js";
import { bytesOf, concat, decode as text } from "./text.js";

export { setNowMs } from "./clock.js";

const NAMES = ["keep", "drop", "emit", "reject"];

export function configure(Plugin, settings) {
  checkSchema(schemaOf(Plugin));
  return new Plugin(checked(JSON.parse(JSON.stringify(settings)), schemaOf(Plugin)));
}

export function run(Plugin, settings, records) {
  const all = records.map(recordOf);
  return decode(answer(Plugin, settings, all), all);
}

export function effects(Plugin, settings, records) {
  const { countNames, counts, logs, words } = answer(Plugin, settings, records.map(recordOf));
  const taking = taker(words);
  const sums = Object.fromEntries(Array.from(countNames, (length, index) => [text(taking.take(length)), Number(counts[index])]));
  const lines = [];
  for (let at = 0; at < logs.length; at += 3) {
    lines.push({ level: logs[at], index: logs[at + 1], line: text(taking.take(logs[at + 2])) });
  }
  taking.expectEnd();
  return { counts: sums, lines };
}

// The records in the flat form, with what a plugin that `wants` this (an object of flags) is sent.
export function flatBatch(wants, records) {
  const all = records.map(recordOf);
  const asked = (flag) => (wants[flag] ? all : []);
  const lay = (parts) => ({
    bytes: concat(parts.map((it) => it ?? new Uint8Array())),
    lengths: Int32Array.from(parts, (it) => (it === null ? -1 : it.length)),
  });
  const values = lay(all.map((it) => it.value));
  const keys = lay(asked("key").map((it) => it.key));
  const headers = lay(asked("headers").map((it) => pack(it.headers)));
  const at = wants.position ? all : [];
  return {
    values: values.bytes,
    valueLengths: values.lengths,
    keys: keys.bytes,
    keyLengths: keys.lengths,
    headers: headers.bytes,
    headerLengths: headers.lengths,
    timestamps: BigInt64Array.from(asked("timestamp"), (it) => BigInt(it.timestampMs ?? -1)),
    source: wants.position ? "source" : "",
    topic: wants.position ? "topic" : "",
    partition: 0,
    offsets: BigUint64Array.from(at, (_, index) => BigInt(index)),
    numbers: Uint32Array.from(at, () => 0),
  };
}

// The answer in words. Throws where its rows, times and bytes do not add up.
export function decode({ fates, rows, timestamps, bytes }, records) {
  if (fates.length !== records.length) throw new Error("one fate for each record");
  if (rows.length % 5 !== 0 || (timestamps.length !== 0 && timestamps.length !== rows.length / 5)) throw new Error("rows are ragged");
  const taking = taker(bytes);
  let row = 0;
  const decoded = Array.from(fates, (fate, index) => {
    const outputs = [];
    while (row * 5 < rows.length && rows[row * 5] === index) {
      const time = timestamps.length === 0 ? null : Number(timestamps[row]);
      outputs.push(output(rows.subarray(row * 5, row * 5 + 5), time, taking, records[index]));
      row += 1;
    }
    const name = NAMES[fate];
    const isKept = name === "keep" || name === "drop";
    if (isKept !== (outputs.length === 0) || (name === "reject" && outputs.length !== 1)) {
      throw new Error(`record ${index} is to ${name}, with ${outputs.length} rows`);
    }
    const reason = name === "reject" ? text(outputs.pop().value) : "";
    const value = outputs.length === 1 && outputs[0].value !== null ? text(outputs[0].value) : null;
    return { name, reason, outputs, value };
  });
  if (row * 5 !== rows.length) throw new Error("rows that belong to no record");
  taking.expectEnd();
  return decoded;
}

function output([, value, key, headers, route], time, taking, record) {
  const part = (length, same) => {
    if (length === -2) return same;
    return length === -1 ? null : taking.take(length);
  };
  const made = { value: part(value, record.value), key: part(key, record.key) };
  const flat = part(headers, pack(record.headers));
  made.headers = flat === null ? [] : unpack(flat);
  const named = part(route, null);
  made.route = named === null ? null : text(named);
  made.timestampMs = time === (record.timestampMs ?? -1) ? null : time;
  return made;
}

function answer(Plugin, settings, records) {
  return process(configure(Plugin, settings), flatBatch(wantsOf(Plugin), records));
}

export function recordOf(record) {
  const isWhole = typeof record === "object" && record !== null && !(record instanceof Uint8Array);
  const { value, key = null, headers = [], timestampMs = null } = isWhole ? record : { value: record };
  const encoded = (part, what) => (part === null ? null : bytesOf(part, what));
  return { value: encoded(value, "a value"), key: encoded(key, "a key"), headers, timestampMs };
}

function taker(bytes) {
  let at = 0;
  return {
    take(length) {
      if (at + length > bytes.length) throw new Error("bytes do not add up");
      at += length;
      return bytes.subarray(at - length, at);
    },
    expectEnd() {
      if (at !== bytes.length) throw new Error("bytes are left over");
    },
  };
}
