// Builds a plugin: one file out of its modules, then a component out of that file. `tamis plugin build` runs it; it has this file and
// the SDK in it.
//
// usage: node build.mjs JOB
//   JOB  JSON: main, the plugin's module; name and version; work, a folder with the SDK and the WIT in it; tools, the folder node_modules
//        with componentize-js and rolldown; output, the component to write

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const job = JSON.parse(process.argv[2]);
const sdk = join(job.work, "sdk", "src");
// `rolldown` and the like, from the tools rather than from where this file lies.
const tools = createRequire(join(job.tools, "of-tamis.js"));

// Modules by name in the folder of the tools, whatever conditions their exports have.
async function tool(name) {
  const manifest = JSON.parse(await readFile(join(job.tools, name, "package.json"), "utf8"));
  const entry = manifest.exports?.["."] ?? manifest.exports ?? manifest.main;
  const file = typeof entry === "string" ? entry : (entry.import ?? entry.default);
  return import(pathToFileURL(typeof file === "string" ? join(job.tools, name, file) : tools.resolve(name)).href);
}

const entry = `
import Plugin from ${JSON.stringify(resolve(job.main))};
import { component } from ${JSON.stringify(join(sdk, "component.js"))};
import { place } from ${JSON.stringify(join(sdk, "place.js"))};

export const { describe, configure, process } = component(Plugin, ${JSON.stringify(job.name)}, ${JSON.stringify(job.version)}, place);
`;

// What a plugin imports that is not its own: the SDK as this program has it, and what the host gives.
const resolving = {
  name: "tamis",
  async resolveId(id, importer) {
    if (id === "tamis-entry") return id;
    if (id === "tamis-sdk") return join(sdk, "index.js");
    if (id === "./clock.js" && importer?.startsWith(sdk)) return join(sdk, "clock.component.js");
    if (id.startsWith("tamis:")) return { id, external: true, moduleSideEffects: false };
    if (id.startsWith("node:")) throw new Error(`${importer} imports ${id}: plugins get nothing of Node, nor of the machine`);
    return null;
  },
  load: (id) => (id === "tamis-entry" ? entry : null),
};

// Which line of which file each line of the bundle comes from, for what a plugin says before it ends.
function places({ code, map }) {
  const lines = code.split("\n").length;
  const found = Array(lines).fill(null);
  let [source, line] = [0, 0];
  for (const [row, segments] of map.mappings.split(";").entries()) {
    for (const segment of segments.split(",").filter((it) => it !== "")) {
      const [, toSource = 0, toLine = 0] = numbers(segment);
      source += toSource;
      line += toLine;
      if (found[row] === null) found[row] = [source, line + 1];
    }
  }
  const sources = map.sources.map((it) => shown(it));
  // Those of the SDK are not told.
  return { sources, lines: found.map((it) => (it === null || sources[it[0]] === null ? 0 : it)) };
}

// The numbers of a segment of a source map: base 64, six bits a digit of which one says that more follow, the sign at the low end.
function numbers(segment) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const all = [];
  let [value, shift] = [0, 0];
  for (const char of segment) {
    const digit = digits.indexOf(char);
    value += (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) === 0) {
      all.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return all;
}

function shown(source) {
  const path = resolve(job.work, source);
  return path.startsWith(sdk) ? null : relative(job.folder, path);
}

const { rolldown } = await tool("rolldown");
const { componentize } = await tool("@bytecodealliance/componentize-js");
const bundle = await rolldown({ input: "tamis-entry", platform: "neutral", plugins: [resolving], logLevel: "warn" });
const { output } = await bundle.generate({ format: "es", sourcemap: true, file: join(job.work, "plugin.js"), codeSplitting: false });
const [chunk] = output;
await bundle.close();
const code = `${chunk.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n")}\nglobalThis.__tamisPlaces = ${JSON.stringify(places(chunk))};\n`;
await writeFile(join(job.work, "plugin.js"), code);

// A component imports what its world does, and a plugin that imports the clock needs a grant.
const usesClock = chunk.imports.some((it) => it.startsWith("tamis:plugin/clock@"));

const { component } = await componentize({
  sourcePath: join(job.work, "plugin.js"),
  witPath: join(job.work, "wit"),
  worldName: usesClock ? "plugin-with-clock" : "plugin",
  // Nothing of WASI: no plugin gets any.
  disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
});
await writeFile(job.output, component);
