// What a plugin counts and logs over a batch. It goes out with the answer, and takes effect once Tamis has accepted that.

import { encode } from "./text.js";

// Of a line no more is logged.
const LINE_BYTES_MAX = 1_024;
// Of a batch no more are logged; what is beyond is but counted.
const LINES_MAX = 128;
const NAME = /^[a-z0-9_]{1,64}$/;

export const LogLevel = Object.freeze({ ERROR: 0, WARN: 1, INFO: 2, DEBUG: 3 });

// Sums by name, and lines as { level, index, text } with the index of the record and UTF-8.
export class Effects {
  constructor() {
    this.counts = new Map();
    this.lines = [];
  }

  count(name, amount) {
    const known = this.counts.get(name);
    if (known === undefined && !NAME.test(name)) {
      throw new RangeError(`${JSON.stringify(name)} is no name to count by: those have 1 to 64 of a-z, 0-9 and _`);
    }
    if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`${name} cannot be counted by ${amount}`);
    this.counts.set(name, (known ?? 0) + amount);
  }

  log(level, index, line) {
    if (!Object.values(LogLevel).includes(level)) throw new RangeError(`there is no log level ${level}`);
    const text = this.lines.length < LINES_MAX ? cut(encode(String(line))) : encode("");
    this.lines.push({ level, index, text });
  }
}

// What is cut off in the midst of a character goes as a whole.
function cut(text) {
  if (text.length <= LINE_BYTES_MAX) return text;
  let end = LINE_BYTES_MAX;
  while ((text[end] & 0xc0) === 0x80) end -= 1;
  return text.subarray(0, end);
}
