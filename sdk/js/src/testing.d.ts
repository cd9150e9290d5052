/** Runs a plugin as plain JavaScript, in the flat form that it has in the sandbox. */

import type { LogLevel, Plugin, PluginClass } from "./index.js";

/** A record for a test: its value alone, or all of it. */
export type TestRecord =
  | string
  | Uint8Array
  | {
      value: string | Uint8Array | null;
      key?: string | Uint8Array | null;
      headers?: [name: string, value: string | Uint8Array | null][];
      timestampMs?: number | null;
    };

/** A record that goes on in the place of another one. `timestampMs` is null where it was given none of its own. */
export interface TestOutput {
  value: Uint8Array | null;
  key: Uint8Array | null;
  headers: [name: string, value: Uint8Array | null][];
  timestampMs: number | null;
  route: string | null;
}

/** What became of a record. */
export interface TestFate {
  name: "keep" | "drop" | "emit" | "reject";
  /** Why it was rejected. */
  reason: string;
  /** What goes on in its place. */
  outputs: TestOutput[];
  /** The value of the one output, where there is one and it is text. */
  value: string | null;
}

/** What a plugin counted and logged: sums by name; lines with the index of their record. */
export interface TestEffects {
  counts: { [name: string]: number };
  lines: { level: LogLevel; index: number; line: string }[];
}

/** The plugin with these settings. Throws ConfigError where it refuses them. */
export function configure(plugin: PluginClass, settings: object): Plugin;

/** What becomes of `records`, which lie at the offsets 0, 1, … of partition 0 of the topic `topic` of the source `source`. */
export function run(plugin: PluginClass, settings: object, records: TestRecord[]): TestFate[];

/** What the plugin counts and logs about `records`, which lie as for {@link run}. */
export function effects(plugin: PluginClass, settings: object, records: TestRecord[]): TestEffects;

/** Sets the clock that `nowMs` reads. */
export function setNowMs(nowMs: number): void;
