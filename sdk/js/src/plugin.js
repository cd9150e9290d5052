// What a plugin is to its author.

export class ConfigError extends Error {
  constructor(field, message) {
    super(field ? `${field}: ${message}` : message);
    this.field = field;
    this.text = message;
  }
}

// Flags of the contract, by the words that a plugin says in `static wants`.
export const METADATA = ["key", "headers", "timestamp", "position"];

// The metadata that a plugin wants, as an object with a flag for each.
export function wantsOf(Plugin) {
  const wants = Plugin.wants ?? [];
  const unknown = wants.find((it) => !METADATA.includes(it));
  if (unknown !== undefined) throw new TypeError(`static wants has ${unknown}; there are ${METADATA.join(", ")}`);
  return Object.fromEntries(METADATA.map((it) => [it, wants.includes(it)]));
}

// The schema of its settings.
export function schemaOf(Plugin) {
  return Plugin.settings ?? { type: "object", additionalProperties: false };
}
