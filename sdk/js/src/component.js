// What stands between the exports of a component and the plugin. Only `tamis plugin build` imports it: the first module is there in a
// component alone.

import { panicked } from "tamis:plugin/panic@1.0.0";

import { process } from "./batch.js";
import { ConfigError, schemaOf, wantsOf } from "./plugin.js";
import { checked, checkSchema } from "./schema.js";

// The host keeps no more of a plugin's last words.
const LAST_WORDS_MAX = 4_096;

// The exports of a plugin. Throws what is wrong with the class, so that it is found when it is built.
export function component(Plugin, name, version, place) {
  if (typeof Plugin?.prototype?.process !== "function") {
    throw new TypeError("the main module has no plugin: its default export must be a class with a method process(record)");
  }
  const schema = schemaOf(Plugin);
  checkSchema(schema);
  const [settingsSchema, wants] = [JSON.stringify(schema), wantsOf(Plugin)];
  let plugin = null;

  // What is thrown by `run` ends the instance, and is said before.
  function watched(run) {
    try {
      return run();
    } catch (error) {
      panicked(lastWords(error, place));
      throw error;
    }
  }

  return {
    describe: () => ({ name, version, settingsSchema, wants }),
    configure(settings) {
      const refused = watched(() => {
        try {
          plugin = new Plugin(checked(JSON.parse(settings), schema));
          return null;
        } catch (error) {
          if (error instanceof ConfigError) return { field: error.field, message: error.text };
          throw error;
        }
      });
      // What is no Error is the error of the result.
      if (refused !== null) throw refused;
    },
    process: (batch) =>
      watched(() => {
        if (plugin === null) throw new Error("the plugin got a batch before its settings");
        return process(plugin, batch, wants);
      }),
  };
}

function lastWords(error, place) {
  const isError = error instanceof Error;
  const said = isError ? `${error.name}: ${error.message}` : String(error);
  return said.slice(0, LAST_WORDS_MAX / 4) + (isError ? place(String(error.stack)) : "");
}
