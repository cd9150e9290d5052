// UTF-8, strictly: what is none is an error, and a byte order mark is a character.
//
// Here and wherever each record comes by, loops count: in an engine that only interprets, `for (… of …)` and `[...array]` take
// microseconds for each element.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encode(text) {
  return encoder.encode(text);
}

export function decode(bytes) {
  return decoder.decode(bytes);
}

// Bytes as they are, a text as UTF-8.
export function bytesOf(part, what) {
  if (typeof part === "string") return encoder.encode(part);
  // Not by `instanceof`: what the host hands over is a Uint8Array of another realm.
  if (ArrayBuffer.isView(part) && part.BYTES_PER_ELEMENT === 1) return part;
  throw new TypeError(`${what} must be a string or a Uint8Array, and is ${typeof part}`);
}

// The same bytes, as an array that is a Uint8Array to the plugin as well.
export function own(bytes) {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function concat(parts) {
  let length = 0;
  for (let index = 0; index < parts.length; index += 1) length += parts[index].length;
  const all = new Uint8Array(length);
  let at = 0;
  for (let index = 0; index < parts.length; index += 1) {
    all.set(parts[index], at);
    at += parts[index].length;
  }
  return all;
}
