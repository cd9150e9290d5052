/** Writes plugins for Tamis, a stream processor for logs: plain classes that decide the fate of records. */

/** What a plugin can want to know of a record beside its value. */
export type Metadata =
  /** The key. */
  | "key"
  /** The headers. */
  | "headers"
  /** The record's time. */
  | "timestamp"
  /** Source, topic, partition, offset and output number: together the record's id. */
  | "position";

/**
 * Code that decides what becomes of each record.
 *
 * An instance lives as long as nothing goes wrong: what it remembers from record to record is a cache, which may vanish after an error
 * or a swap. What it decides should follow from the record and the settings alone, so that a replay decides alike.
 */
export interface Plugin {
  /** Decides the fate of one record. What it throws ends the instance, but for {@link Reject}. */
  process(record: Record): Fate;
}

/** What the main module of a plugin exports as its default. Name and version are those in `package.json`. */
export interface PluginClass<Settings = any> {
  /**
   * Takes the settings over: what the schema takes, with its defaults put in.
   * @throws {ConfigError} Where they make no sense.
   */
  new (settings: Settings): Plugin;
  /**
   * JSON schema of the settings, which are checked against it; none are taken without one. It may use `type`, `properties`,
   * `required`, `additionalProperties`, `items`, `enum`, `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`,
   * `default`, and for readers `title`, `description`, `examples`, `format`.
   */
  settings?: object;
  /** What it wants to know of a record beside its value. To read what it did not ask for is an error. */
  wants?: Metadata[];
}

/** Why settings are refused. */
export class ConfigError extends Error {
  /** A message about the field that a JSON pointer names; `""` is the settings as a whole. */
  constructor(field: string, message: string);
  readonly field: string;
}

/** Thrown anywhere below `process`, it makes the record a dead letter with its message as the reason. */
export class Reject extends Error {}

/**
 * The record's value is no JSON object or was set as a whole before, or a pointer names no place in it. Unless it is caught, the record
 * becomes a dead letter.
 */
export class EditError extends Reject {}

/** A header: its name and its value. */
export type Header = [name: string, value: Uint8Array | string | null];

/** What an output has that its record has not. */
export interface OutputParts {
  /** A text becomes UTF-8; `null` is a tombstone. */
  value?: Uint8Array | string | null;
  /** `null` is no key. */
  key?: Uint8Array | string | null;
  /** These headers and no others. */
  headers?: Iterable<Header>;
  /** Milliseconds since 1970-01-01 UTC. The plugin has to want `timestamp`. */
  timestampMs?: number;
  /** It goes to the sinks that take this route. */
  route?: string;
}

/** One of the records that go on in the place of another one. It has its value, key, headers and time unless it is given others. */
export class Output {
  constructor(parts?: OutputParts);
}

/** What becomes of a record. */
export class Fate {
  private constructor();
  /** It goes on, with what was set on it. */
  static readonly KEEP: Fate;
  /** It ends here, on purpose. */
  static readonly DROP: Fate;
  /** It becomes a dead letter, for this reason. */
  static reject(reason: string): Fate;
  /** These go on in its place, in this order; what was set on it does not count. None is a drop. */
  static emit(...outputs: (Output | OutputParts)[]): Fate;
}

/** How much a line of the log matters. */
export const LogLevel: {
  /** A person must act. */
  readonly ERROR: 0;
  /** Something was wrong, and dealt with. */
  readonly WARN: 1;
  /** Good to know. */
  readonly INFO: 2;
  /** For whoever looks for a fault. */
  readonly DEBUG: 3;
};
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/**
 * One record, on its way through a plugin.
 *
 * What is read is the record as the plugin got it; what is set shows in what goes on, if its fate is `Fate.KEEP`.
 */
export class Record {
  private constructor();
  /** The value; `null` for a tombstone. It is a view: copy it to keep it. */
  readonly value: Uint8Array | null;
  /** The key. Needs `key` in `static wants`. */
  readonly key: Uint8Array | null;
  /** The headers, in order. Needs `headers`. */
  readonly headers: [name: string, value: Uint8Array | null][];
  /** The value of the last header with this name. Needs `headers`. */
  header(name: string): Uint8Array | null;
  /** The record's time, in milliseconds since 1970-01-01 UTC. Needs `timestamp`. */
  readonly timestampMs: number | null;
  /** The name that the source was given. Needs `position`, as all below. */
  readonly source: string;
  /** The topic; for a file its path. */
  readonly topic: string;
  readonly partition: number;
  /** The offset; for a file the byte where its line starts. Beyond 2^53 it is not exact. */
  readonly offset: number;
  /** The output number: 0, unless an earlier plugin made several of one. */
  readonly number: number;
  /** A hash (64 bits) of the record's id: evenly spread, and the same on every replay, in every version and language. */
  idHash(): bigint;
  /** Whether it is in the sample that has this share, from 0 to 1, of all records: by `idHash`, so a replay has the same one. */
  isSampled(share: number): boolean;

  /**
   * The value read as JSON, once. Do not change what it returns: `set` and `remove` show in what goes on, it does not. Whole numbers
   * beyond 2^53 are not exact in it; they stay as they are written in what goes on, unless they are set again.
   * @throws {Reject} Where the value is no JSON, or a tombstone.
   */
  json(): any;
  /**
   * What the JSON pointer names in the value; `otherwise` where there is nothing there, or the value is no JSON at all.
   * @throws {RangeError} Whatever the value is, where it is no pointer: all but the empty one begin with `/`.
   */
  get(pointer: string, otherwise?: any): any;
  /**
   * Gives what the JSON pointer names this value, anything that `JSON.stringify` takes. Objects that are missing on the way are made;
   * `-` is the place behind the last element of an array. Every byte that is not set stays as it was.
   * @throws {EditError} Where the record's value is no JSON object or was set as a whole before, or the pointer names no place in it.
   * @throws {TypeError} Where the new value is none of JSON.
   * @throws {RangeError} Where a number in it is not finite.
   */
  set(pointer: string, value: unknown): void;
  /**
   * Removes what the JSON pointer names, and says whether it was there.
   * @throws {EditError} As `set`.
   */
  remove(pointer: string): boolean;
  /** Sets the value as a whole. What was edited on it does not count any more, and it cannot be edited from then on. */
  setValue(value: Uint8Array | string): void;
  /** Makes it a tombstone, which cannot be edited from then on. */
  setTombstone(): void;
  /** Sets the key; `null` takes it away. */
  setKey(key: Uint8Array | string | null): void;
  /** Sets its time, in whole milliseconds since 1970-01-01 UTC. Needs `timestamp`. */
  setTimestampMs(timestampMs: number): void;
  /** Sends it to the sinks that take this route. */
  route(route: string): void;
  /** Adds to what the plugin counts by `name`, 1 to 64 of a-z, 0-9 and _; in one batch 64 of them are the most. */
  count(name: string, amount?: number): void;
  /** Writes a line about this record to the log of Tamis, at most 1,024 bytes, some ten lines a second. */
  log(level: LogLevel, line: string): void;
}

/** A hash (64 bits) of any text or bytes: evenly spread, and the same in every version and language. */
export function textHash(text: Uint8Array | string): bigint;

/** Whether `by` is in the sample that has this share, from 0 to 1, of all: by its hash, so that what is the same is always decided alike. */
export function isInSample(by: Uint8Array | string, share: number): boolean;

/**
 * Milliseconds since 1970-01-01 UTC, by the clock of the wall.
 *
 * The configuration has to grant `clock` to a plugin that uses it, and it decides differently on replay. In a native test it is what
 * `setNowMs` of `tamis-sdk/testing` said last.
 */
export function nowMs(): number;
