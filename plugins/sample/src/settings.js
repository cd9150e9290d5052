// What the configuration says under `settings`.

import { ConfigError } from "tamis-sdk";

const SHARE = { type: "number", minimum: 0, maximum: 1 };
const POINTER = { type: "string", description: "A JSON pointer, such as /Type." };
const VALUES = { type: "array", items: { type: ["string", "number", "boolean"] }, minItems: 1 };

export const SETTINGS = {
  type: "object",
  properties: {
    rules: {
      type: "array",
      description: "The first one that fits a record says which share of such records stays.",
      default: [],
      items: {
        type: "object",
        properties: {
          field: POINTER,
          is: { ...VALUES, description: "The field has one of these values." },
          is_not: { ...VALUES, description: "It has none of them, or is not there." },
          starts_with: { ...VALUES, description: "It is a text that begins with one of these." },
          at_least: { type: "number", description: "It is a number that is not below this one." },
          share: { ...SHARE, description: "The share that stays, from 0 to 1." },
        },
        required: ["field", "share"],
        additionalProperties: false,
      },
    },
    share: { ...SHARE, description: "The share of the records that no rule fits.", default: 1 },
    by: {
      type: "array",
      items: POINTER,
      description: "What has the same value here stays or goes together; the first that is there counts, else each record by itself.",
      default: [],
    },
    weight_to: { ...POINTER, description: "Where to write how many records a record that stays stands for." },
  },
  additionalProperties: false,
};

// Of a pointer that is none nothing would ever be found. `place` is the JSON pointer to it in the settings.
export function checkPointer(pointer, place) {
  if (!pointer.startsWith("/")) throw new ConfigError(place, "must be a JSON pointer, such as /Type");
}
