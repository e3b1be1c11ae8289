/** Those who follow the log: coordinators and gateways. One that is far behind shows, or does, old things. */
import { RUNS } from "@millrace/proto";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check } from "../finding.ts";

/** A few seconds of a busy log. */
const BEHIND = 20_000;

export function readersCheck(api: BrokerApi): Check {
  return {
    title: "readers of the log",
    isMoving: true,
    look: async () => {
      const readers = await api.consumers(RUNS.name);
      const behind = readers.filter(({ num_pending }) => num_pending > BEHIND);
      if (behind.length === 0) return [ok(`${readers.length}, none is far behind`)];
      return [
        {
          level: "warning",
          says: `${behind.length} of ${readers.length} more than ${BEHIND} events behind`,
          advice:
            "millrace_projection_lag_events tells which gateway; a coordinator that has just started catches up",
        },
      ];
    },
  };
}
