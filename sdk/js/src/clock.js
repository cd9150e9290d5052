// The clock of the wall in native tests. In a component `clock.component.js` takes its place.

let now = null;

export function nowMs() {
  if (now === null) throw new Error("there is no clock here: a native test sets it with setNowMs of tamis-sdk/testing");
  return now;
}

export function setNowMs(nowMs) {
  now = nowMs;
}
