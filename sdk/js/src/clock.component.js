// The clock of the wall. A plugin that does not use it does not import it, and so needs no grant.

import { nowMs as now } from "tamis:plugin/clock@0.1.0";

export function nowMs() {
  return Number(now());
}
