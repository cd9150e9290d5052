// Where in the plugin an error came from. The lines of a component are those of one file that all modules were put into;
// `build.mjs` leaves behind which line was whose.

const LINE = /:(\d+):\d+$/;

// ` at FILE:LINE`, the first place of `stack` that is no part of the SDK; nothing where there is none.
export function place(stack) {
  const { sources, lines } = globalThis.__tamisPlaces;
  for (const frame of stack.split("\n")) {
    const at = lines[Number(LINE.exec(frame)?.[1]) - 1];
    if (at) return ` at ${sources[at[0]]}:${at[1]}`;
  }
  return "";
}
