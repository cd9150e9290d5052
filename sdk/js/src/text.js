// UTF-8, strictly: what is none is an error, and a byte order mark is a character.

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
  if (part instanceof Uint8Array) return part;
  throw new TypeError(`${what} must be a string or a Uint8Array, and is ${typeof part}`);
}

export function concat(parts) {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
