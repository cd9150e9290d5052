// What a plugin decides about a record.

// Thrown anywhere below `process`, it makes the record a dead letter with its message as the reason.
export class Reject extends Error {}

// Stands for what the record has, where an output is not given anything else.
export const SAME = Symbol("same");

export class Output {
  constructor(parts = {}) {
    const known = ["value", "key", "headers", "timestampMs", "route"];
    const unknown = Object.keys(parts).find((name) => !known.includes(name));
    if (unknown !== undefined) throw new TypeError(`an output has no ${unknown}; it has ${known.join(", ")}`);
    const { value = SAME, key = SAME, headers = SAME, timestampMs = null, route = null } = parts;
    Object.assign(this, { value, key, headers, timestampMs, route });
  }
}

export class Fate {
  constructor(name, reason, outputs) {
    this.name = name;
    this.reason = reason;
    this.outputs = outputs;
  }

  static reject(reason) {
    return new Fate("reject", String(reason), []);
  }

  static emit(...outputs) {
    if (outputs.length === 0) return Fate.DROP;
    return new Fate("emit", "", outputs.map((it) => (it instanceof Output ? it : new Output(it))));
  }
}

Fate.KEEP = new Fate("keep", "", []);
Fate.DROP = new Fate("drop", "", []);
