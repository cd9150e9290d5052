// JSON as text: edits that leave every other byte as it was.
//
// `JSON.parse` says whether a text is valid; where its parts lie is found by a scan that may then rely on it.

import { Reject } from "./fate.js";
import { decode } from "./text.js";

export class EditError extends Reject {}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^,\]} \t\n\r]+/y;
const MARK = /["{}[\]]/g;
const INDEX = /^(?:0|[1-9][0-9]*)$/;

// The text and the JSON in `value`, a Uint8Array or null. Throws Reject where there is none.
export function parse(value) {
  if (value === null) throw new Reject("invalid JSON: a tombstone");
  try {
    const text = decode(value);
    return { text, json: JSON.parse(text) };
  } catch (error) {
    throw new Reject(`invalid JSON: ${error.message}`);
  }
}

// `value` as JSON. Throws TypeError for what JSON does not have.
function dump(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} is no JSON`);
  return text;
}

function tokens(pointer) {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new EditError(`${JSON.stringify(pointer)} is no JSON pointer: one begins with /`);
  const parts = pointer.slice(1).split("/");
  return pointer.includes("~") ? parts.map((it) => it.replaceAll("~1", "/").replaceAll("~0", "~")) : parts;
}

// What `pointer` names in a parsed value.
export function lookup(value, pointer, otherwise) {
  for (const token of tokens(pointer)) {
    const isThere = Array.isArray(value)
      ? INDEX.test(token) && Number(token) < value.length
      : typeof value === "object" && value !== null && Object.hasOwn(value, token);
    if (!isThere) return otherwise;
    value = value[token];
  }
  return value;
}

// An object or array, taken apart one level deep. `text` is valid JSON.
//
// A part is a member or an element: `lead`, what is in front of its value (key, colon, blanks); the value's text; `trail`, blanks behind.
export class Document {
  constructor(text) {
    const start = behind(SPACE, text, 0);
    this.isObject = text[start] === "{";
    if (!this.isObject && text[start] !== "[") throw new EditError("cannot be edited: the value is no JSON object");
    this.head = text.slice(0, start + 1);
    this.blank = "";
    this.parts = [];
    this.touched = false;
    this.tail = text.slice(this.#read(text, start + 1));
  }

  // Reads the parts from `at` on, and returns where the closing bracket is.
  #read(text, at) {
    const closes = this.isObject ? "}" : "]";
    const first = behind(SPACE, text, at);
    if (text[first] === closes) {
      this.blank = text.slice(at, first);
      return first;
    }
    for (;;) {
      const begin = at;
      let key = null;
      at = behind(SPACE, text, at);
      if (this.isObject) {
        const end = behindString(text, at);
        key = JSON.parse(text.slice(at, end));
        // Behind the colon.
        at = behind(SPACE, text, behind(SPACE, text, end) + 1);
      }
      const end = behindValue(text, at);
      const next = behind(SPACE, text, end);
      this.parts.push({ key, lead: text.slice(begin, at), text: text.slice(at, end), trail: text.slice(end, next) });
      if (text[next] === closes) return next;
      at = next + 1;
    }
  }

  // The text, with what was edited.
  text() {
    const inner = this.parts.map((part) => part.lead + part.text + part.trail).join(",");
    return this.head + this.blank + inner + this.tail;
  }

  set(pointer, value) {
    this.#set(this.#path(pointer), dump(value));
    this.touched = true;
  }

  remove(pointer) {
    const removed = this.#remove(this.#path(pointer));
    this.touched ||= removed;
    return removed;
  }

  #path(pointer) {
    if (!this.isObject) throw new EditError("cannot be edited: the value is no JSON object");
    const path = tokens(pointer);
    if (path.length === 0) throw new EditError("cannot be edited: the pointer names the whole value");
    return path;
  }

  #set([token, ...rest], text) {
    const part = this.#find(token);
    if (part === undefined) {
      this.#append(token, wrapped(rest, text));
    } else if (rest.length === 0) {
      part.text = text;
    } else {
      if (!isNested(part)) throw new EditError(`cannot be edited: there is a value at ${JSON.stringify(token)}, and none in it`);
      const inner = new Document(part.text);
      inner.#set(rest, text);
      part.text = inner.text();
    }
  }

  #remove([token, ...rest]) {
    const part = this.#find(token);
    if (part === undefined) return false;
    if (rest.length > 0) {
      if (!isNested(part)) return false;
      const inner = new Document(part.text);
      const removed = inner.#remove(rest);
      part.text = inner.text();
      return removed;
    }
    this.parts = this.parts.filter((other) => (this.isObject ? other.key !== token : other !== part));
    return true;
  }

  // The part that `token` names; of several the last one counts.
  #find(token) {
    if (this.isObject) return this.parts.findLast((part) => part.key === token);
    return INDEX.test(token) ? this.parts[Number(token)] : undefined;
  }

  #append(token, text) {
    if (this.isObject) {
      this.parts.push({ key: token, lead: `${dump(token)}:`, text, trail: "" });
    } else if (token === "-" || token === String(this.parts.length)) {
      this.parts.push({ key: null, lead: "", text, trail: "" });
    } else {
      throw new EditError(`cannot be edited: an array of ${this.parts.length} has no place ${JSON.stringify(token)}`);
    }
  }
}

function isNested(part) {
  return part.text[0] === "{" || part.text[0] === "[";
}

// `text` in the objects that `path` names.
function wrapped(path, text) {
  return path.reduceRight((inner, token) => `{${dump(token)}:${inner}}`, text);
}

function behind(pattern, text, at) {
  pattern.lastIndex = at;
  pattern.test(text);
  return Math.max(pattern.lastIndex, at);
}

function behindString(text, at) {
  let quote = at;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
}

function behindValue(text, at) {
  if (text[at] === '"') return behindString(text, at);
  if (text[at] !== "{" && text[at] !== "[") return behind(SCALAR, text, at);
  let depth = 0;
  MARK.lastIndex = at;
  for (;;) {
    const mark = MARK.exec(text)[0];
    if (mark === '"') MARK.lastIndex = behindString(text, MARK.lastIndex - 1);
    else depth += mark === "{" || mark === "[" ? 1 : -1;
    if (depth === 0) return MARK.lastIndex;
  }
}
