// JSON as text: edits that leave every other byte as it was.
//
// `JSON.parse` says whether a text is valid; where its parts lie is found by a scan that may then rely on it.

import { Reject } from "./fate.js";
import { decode } from "./text.js";

export class EditError extends Reject {}

// Characters, by their codes.
const [TAB, LINE_FEED, RETURN, BLANK, QUOTE, COMMA, BACKSLASH] = [9, 10, 13, 32, 34, 44, 92];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];
// Pointers that are kept taken apart; a plugin has a handful.
const POINTERS_MAX = 256;
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

// `value` as JSON. Throws TypeError for what JSON does not have, RangeError for a number in it that is not finite.
function dump(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a ${typeof value} is no JSON`);
  // What a number that is not finite would be; to look at each value costs too much where there is none.
  if (text.includes("null")) JSON.stringify(value, finite);
  return text;
}

function finite(_, value) {
  const isNumber = typeof value === "number" || value instanceof Number;
  if (isNumber && !Number.isFinite(Number(value))) throw new RangeError(`${value} is no JSON`);
  return value;
}

const pointers = new Map();

// The tokens of a JSON pointer. Throws RangeError where it is none.
export function tokens(pointer) {
  let path = pointers.get(pointer);
  if (path === undefined) {
    path = takenApart(pointer);
    if (pointers.size >= POINTERS_MAX) pointers.clear();
    pointers.set(pointer, path);
  }
  return path;
}

function takenApart(pointer) {
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw new RangeError(`${JSON.stringify(pointer)} is no JSON pointer: one begins with /`);
  const parts = pointer.slice(1).split("/");
  return pointer.includes("~") ? parts.map((it) => it.replaceAll("~1", "/").replaceAll("~0", "~")) : parts;
}

// What `pointer` names in a parsed value. Throws RangeError where it is no pointer.
export function lookup(value, pointer, otherwise) {
  const path = tokens(pointer);
  for (let index = 0; index < path.length; index += 1) {
    const token = path[index];
    if (typeof value !== "object" || value === null) return otherwise;
    const isThere = Array.isArray(value) ? INDEX.test(token) && Number(token) < value.length : Object.hasOwn(value, token);
    if (!isThere) return otherwise;
    value = value[token];
  }
  return value;
}

// What is edited in a value, with its text and its JSON.
export class Edits {
  #text;
  #json;
  // Members that are new: most edits add some, for which nothing has to be looked for in the text.
  #added = new Map();
  #document = null;
  touched = false;

  constructor(text, json) {
    this.#text = text;
    this.#json = json;
  }

  set(pointer, value) {
    const path = this.#path(pointer);
    const text = dump(value);
    const token = path[0];
    const isNew = this.#document === null && !Object.hasOwn(this.#json, token);
    if (isNew && path.length === 1) this.#added.set(token, text);
    else if (isNew && !this.#added.has(token)) this.#added.set(token, wrapped(path.slice(1), text));
    else this.#whole().set(path, text);
    this.touched = true;
  }

  remove(pointer) {
    const removed = this.#whole().remove(this.#path(pointer));
    this.touched ||= removed;
    return removed;
  }

  // The text, with what was edited.
  text() {
    if (this.#document !== null) return this.#document.text();
    const end = this.#text.lastIndexOf("}");
    let inner = "";
    // The first one has a comma in front of it where there is a member before.
    let joint = Object.keys(this.#json).length === 0 ? "" : ",";
    this.#added.forEach((text, token) => {
      inner += `${joint}${dump(token)}:${text}`;
      joint = ",";
    });
    return this.#text.slice(0, end) + inner + this.#text.slice(end);
  }

  #path(pointer) {
    if (typeof this.#json !== "object" || this.#json === null || Array.isArray(this.#json)) {
      throw new EditError("cannot be edited: the value is no JSON object");
    }
    let path;
    try {
      path = tokens(pointer);
    } catch (error) {
      throw error instanceof RangeError ? new EditError(`cannot be edited: ${error.message}`) : error;
    }
    if (path.length === 0) throw new EditError("cannot be edited: the pointer names the whole value");
    return path;
  }

  // The value taken apart, with the new members in it.
  #whole() {
    if (this.#document === null) {
      this.#document = new Document(this.#text);
      this.#added.forEach((text, token) => this.#document.set([token], text));
    }
    return this.#document;
  }
}

// An object or array, taken apart one level deep. `text` is valid JSON.
//
// A part is a member or an element: `lead`, what is in front of its value (key, colon, blanks); the value's text; `trail`, blanks behind.
class Document {
  constructor(text) {
    const start = behindSpace(text, 0);
    this.isObject = text[start] === "{";
    this.head = text.slice(0, start + 1);
    this.blank = "";
    this.parts = [];
    this.tail = text.slice(this.#read(text, start + 1));
  }

  // Reads the parts from `at` on, and returns where the closing bracket is.
  #read(text, at) {
    const closes = this.isObject ? "}" : "]";
    const first = behindSpace(text, at);
    if (text[first] === closes) {
      this.blank = text.slice(at, first);
      return first;
    }
    for (;;) {
      const begin = at;
      let key = null;
      at = behindSpace(text, at);
      if (this.isObject) {
        const end = behindString(text, at);
        key = JSON.parse(text.slice(at, end));
        // Behind the colon.
        at = behindSpace(text, behindSpace(text, end) + 1);
      }
      const end = behindValue(text, at);
      const next = behindSpace(text, end);
      this.parts.push({ key, lead: text.slice(begin, at), text: text.slice(at, end), trail: text.slice(end, next) });
      if (text[next] === closes) return next;
      at = next + 1;
    }
  }

  // The text, with what was edited.
  text() {
    let text = this.head + this.blank;
    for (let index = 0; index < this.parts.length; index += 1) {
      const part = this.parts[index];
      if (index > 0) text += ",";
      text += part.lead + part.text + part.trail;
    }
    return text + this.tail;
  }

  set(path, text) {
    const token = path[0];
    const part = this.#find(token);
    if (part === undefined) {
      this.#append(token, wrapped(path.slice(1), text));
    } else if (path.length === 1) {
      part.text = text;
    } else {
      if (!isNested(part)) throw new EditError(`cannot be edited: there is a value at ${JSON.stringify(token)}, and none in it`);
      const inner = new Document(part.text);
      inner.set(path.slice(1), text);
      part.text = inner.text();
    }
  }

  remove(path) {
    const token = path[0];
    const part = this.#find(token);
    if (part === undefined) return false;
    if (path.length > 1) {
      if (!isNested(part)) return false;
      const inner = new Document(part.text);
      const removed = inner.remove(path.slice(1));
      part.text = inner.text();
      return removed;
    }
    this.parts = this.parts.filter((other) => (this.isObject ? other.key !== token : other !== part));
    return true;
  }

  // The part that `token` names; of several the last one counts.
  #find(token) {
    if (this.isObject) {
      for (let index = this.parts.length - 1; index >= 0; index -= 1) {
        if (this.parts[index].key === token) return this.parts[index];
      }
      return undefined;
    }
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

function isSpace(code) {
  return code === BLANK || code === LINE_FEED || code === RETURN || code === TAB;
}

function behindSpace(text, at) {
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function behindString(text, at) {
  let quote = at;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
}

function behindValue(text, at) {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return behindString(text, at);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return behindBrackets(text, at);
  for (;;) {
    at += 1;
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || isSpace(code)) return at;
  }
}

function behindBrackets(text, at) {
  let depth = 0;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = behindString(text, at);
      continue;
    }
    at += 1;
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth -= 1;
    if (depth === 0) return at;
  }
}
