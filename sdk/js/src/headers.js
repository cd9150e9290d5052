// The headers of a record as the contract lays them out: name length, name, value length (-1 for none), value.

import { bytesOf, concat, decode, encode } from "./text.js";

// The headers of one record, in order, as [name, value] with a Uint8Array or null.
export function unpack(flat) {
  const view = new DataView(flat.buffer, flat.byteOffset, flat.byteLength);
  const headers = [];
  let at = 0;
  const length = () => {
    at += 4;
    return view.getInt32(at - 4, true);
  };
  const take = (count) => {
    at += count;
    return flat.subarray(at - count, at);
  };
  while (at < flat.length) {
    const name = decode(take(length()));
    const bytes = length();
    headers.push([name, bytes < 0 ? null : take(bytes)]);
  }
  return headers;
}

export function pack(headers) {
  const parts = [];
  const push = (bytes, length) => {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setInt32(0, length, true);
    parts.push(head, bytes);
  };
  for (const [name, value] of headers) {
    const text = encode(name);
    push(text, text.length);
    const bytes = value == null ? new Uint8Array() : bytesOf(value, "the value of a header");
    push(bytes, value == null ? -1 : bytes.length);
  }
  return concat(parts);
}
