/** The broker itself: its version, what it lets through, its room, its copies. */
import { LIMITS } from "@millrace/proto";
import { isAtLeast, MINIMUM_BROKER_VERSION } from "@millrace/service-kit";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check, type Finding } from "../finding.ts";

/** The room that is left of the account's. */
const FULL = 0.9;

export function brokerCheck(api: BrokerApi): Check {
  return {
    title: "broker",
    look: async () => {
      const { info } = api.nc;
      const findings: Finding[] = [];
      const version = info?.version ?? "unknown";
      findings.push(
        isAtLeast(version, MINIMUM_BROKER_VERSION)
          ? ok(`nats-server ${version}`)
          : {
              level: "problem",
              says: `nats-server ${version} is too old`,
              advice: `Millrace needs ${MINIMUM_BROKER_VERSION} or newer`,
            },
      );
      const largest = info?.max_payload ?? 0;
      if (largest < LIMITS.bodyBytes)
        findings.push({
          level: "warning",
          says: `takes messages of up to ${largest} bytes`,
          advice: `set max_payload to 8MB: requests may be up to ${LIMITS.bodyBytes} bytes`,
        });
      const { storage, limits } = await api.account();
      if (limits.max_storage > 0 && storage > FULL * limits.max_storage)
        findings.push({
          level: "problem",
          says: `its store is ${Math.round((100 * storage) / limits.max_storage)} % full`,
          advice: "give JetStream more room (max_file_store), or let old runs go sooner",
        });
      return findings;
    },
  };
}
