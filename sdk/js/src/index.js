// Writes plugins for Tamis, a stream processor for logs: plain classes that decide the fate of records. index.d.ts has the words.

export { nowMs } from "./clock.js";
export { LogLevel } from "./effects.js";
export { Fate, Output, Reject } from "./fate.js";
export { isInSample, textHash } from "./id.js";
export { EditError } from "./jsontext.js";
export { ConfigError } from "./plugin.js";
