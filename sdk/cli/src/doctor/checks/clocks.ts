/** Clocks that differ: timers and schedules are as right as the clocks are. */
import { RUNS } from "@millrace/proto";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check } from "../finding.ts";

const TOLERATED_MS = 1000;

export function clocksCheck(api: BrokerApi): Check {
  return {
    title: "clocks",
    look: async () => {
      const askedAt = Date.now();
      const { ts } = await api.streamInfo(RUNS.name);
      const answeredAt = Date.now();
      if (ts === undefined)
        return [{ level: "warning", says: "the broker does not tell its time" }];
      // Its time is one between question and answer.
      const brokerAt = Date.parse(ts);
      const skew = Math.max(0, askedAt - brokerAt, brokerAt - answeredAt);
      if (skew <= TOLERATED_MS) return [ok("this machine's and the broker's agree")];
      return [
        {
          level: "problem",
          says: `this machine's clock is ${Math.round(skew / 1000)} s ${brokerAt < askedAt ? "ahead of" : "behind"} the broker's`,
          advice: "set both by a time server: timers fire by the clocks of schedulers and broker",
        },
      ];
    },
  };
}
