// The clock of the wall. A plugin that does not use it does not import it, and so needs no grant.

import { nowMs as now } from "tamis:plugin/clock@1.0.0";

export function nowMs() {
  return Number(now());
}
