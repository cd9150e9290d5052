// A number that stands for a record's id, for deciding by chance and yet alike on every replay. Its values are the same in the SDKs of
// all languages, and never change.

import { bytesOf } from "./text.js";

const MASK = (1n << 64n) - 1n;
// A float counts up to 2^53 exactly.
const DRAWS = 2 ** 53;
const BASIS = { high: 0xcbf29ce4, low: 0x84222325 };

// FNV-1a (64 bits) of bytes, as two numbers; `start` is that of what is in front of them.
//
// The prime is 2^40 + 0x1b3, so that a step takes two products that a float holds exactly: BigInt would take ten times as long.
export function prefix(bytes, start = BASIS) {
  let high = start.high;
  let low = start.low;
  for (let index = 0; index < bytes.length; index += 1) {
    low = (low ^ bytes[index]) >>> 0;
    const product = low * 0x1b3;
    const rest = product >>> 0;
    high = (high * 0x1b3 + (product - rest) / 0x100000000 + ((low << 8) >>> 0)) >>> 0;
    low = rest;
  }
  return { high, low };
}

// The same, then the finaliser of splitmix64; a BigInt.
export function hash(bytes, start = BASIS) {
  const { high, low } = prefix(bytes, start);
  let bits = (BigInt(high) << 32n) | BigInt(low);
  bits = ((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  bits = ((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return bits ^ (bits >> 31n);
}

// Whether a hash is in the lowest `share`, from 0 to 1, of all hashes.
export function isBelow(bits, share) {
  return Number(bits >> 11n) / DRAWS < share;
}

export function textHash(text) {
  return hash(bytesOf(text, "what is hashed"));
}

export function isInSample(by, share) {
  return isBelow(textHash(by), share);
}
