// Does what its settings say. As it stands in `../python`, word for word, so that both are held to the same laws.

import { ConfigError, Fate, LogLevel, type Record, Reject, nowMs } from "tamis-sdk";

type Action = (record: Record) => any;

const hoard: Uint8Array[] = [];
let seen = 0;

export default class Hostile {
  static settings = {
    type: "object",
    properties: { do: { type: "string" }, share: { type: "number", minimum: 0 } },
    required: ["do"],
    additionalProperties: false,
  };
  static wants = ["key", "headers", "timestamp", "position"];
  action: Action;

  constructor(settings: { do: string }) {
    if (settings.do === "refuse") throw new ConfigError("/do", "is refused");
    if (settings.do === "fail to start") throw new RangeError("no start");
    this.action = ACTIONS[settings.do.replaceAll(" ", "_")];
  }

  process(record: Record) {
    return this.action(record);
  }
}

function text(part: Uint8Array | null): string | null {
  return part === null ? null : new TextDecoder().decode(part);
}

// Misbehaves on the record `bad`, and keeps all others.
function onBad(misbehave: Action): Action {
  return (record) => (text(record.value) === "bad" ? misbehave(record) : Fate.KEEP);
}

// Does what the record says.
function obey(record: Record) {
  switch (text(record.value)) {
    case "drop":
      return Fate.DROP;
    case "reject":
      return Fate.reject("told to");
    case "raise":
      throw new Reject("thrown");
    case "json":
      record.json();
      break;
    case "replace":
      record.setValue("replaced");
      break;
    case "twice":
      return Fate.emit({ value: "first", route: "left" }, { value: "second", route: "right" });
    case "count":
      record.count("seen");
      break;
    case "fail":
      throw new RangeError("told to fail");
  }
  return Fate.KEEP;
}

// All that it sees of a record.
function echo(record: Record) {
  const headers = record.headers.map(([name, value]) => [name, text(value)]);
  const place = [record.source, record.topic, record.partition, record.offset, record.number];
  const told = [text(record.value), text(record.key), headers, record.timestampMs, place, record.idHash().toString(16)];
  return Fate.emit({ value: JSON.stringify(told) });
}

function edit(record: Record) {
  record.set("/new/ä", [1, "é", null]);
  record.remove("/old");
  record.set("/there/1", 2.5);
  return Fate.KEEP;
}

// What came goes on as what it is.
function passOn(record: Record) {
  const [[name, value]] = record.headers;
  if (![record.value, record.key, value].every((part) => part instanceof Uint8Array)) return Fate.DROP;
  record.setValue(record.value!);
  record.setKey(record.key);
  return Fate.emit({ value: record.value, key: record.key, headers: [[name, value]], timestampMs: record.timestampMs! });
}

// How many records this instance has seen.
function remember(record: Record) {
  seen += 1;
  if (text(record.value) === "fail") throw new RangeError("told to fail");
  record.setValue(String(seen));
  return Fate.KEEP;
}

// Half a MiB more for each record, which never goes.
function grow(record: Record) {
  hoard.push(new Uint8Array(512 << 10).fill(1));
  return remember(record);
}

function allocate() {
  for (;;) hoard.push(new Uint8Array(1 << 20).fill(1));
}

function recurse(record: Record): any {
  return [recurse(record)];
}

const ACTIONS: { [name: string]: Action } = {
  obey,
  echo,
  edit,
  pass_on: passOn,
  remember,
  grow,
  say(record) {
    record.log(LogLevel.WARN, "hello");
    return Fate.KEEP;
  },
  fail: onBad(() => {
    throw new RangeError("cannot stand this record");
  }),
  loop: onBad(() => {
    for (;;);
  }),
  allocate: onBad(allocate),
  recurse: onBad(recurse),
  large: onBad(() => Fate.emit({ value: "x".repeat(1 << 20) })),
  many: onBad(() => Fate.emit({}, {}, {}, {}, {})),
  clock: onBad((record) => {
    record.setValue(String(nowMs()));
    return Fate.KEEP;
  }),
  return_nothing: onBad(() => undefined),
  print: onBad(() => console.log("heard?")),
  tell_the_time: onBad(() => Fate.reject(`it is ${Date.now()}`)),
  ask_for_randomness: onBad(() => crypto.getRandomValues(new Uint8Array(8))),
  sleep: onBad(() => setTimeout(() => {}, 1_000)),
  fetch: onBad(() => fetch("http://localhost/")),
};
