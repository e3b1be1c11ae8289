/** The whole examination. */
import type { NatsConnection } from "@millrace/nats";
import { BrokerApi } from "./broker-api.ts";
import { accessCheck } from "./checks/access.ts";
import { agentsCheck } from "./checks/agents.ts";
import { brokerCheck } from "./checks/broker.ts";
import { clocksCheck } from "./checks/clocks.ts";
import { leadersCheck } from "./checks/leaders.ts";
import { dispatchesCheck, signalsCheck, timersCheck } from "./checks/leftovers.ts";
import { copiesCheck, provisioningCheck } from "./checks/provisioning.ts";
import { readersCheck } from "./checks/readers.ts";
import { slotsCheck } from "./checks/slots.ts";
import { examine, type Examined, type ExamineOptions } from "./examine.ts";
import { LiveRuns } from "./live-runs.ts";

export type DoctorOptions = ExamineOptions & { readonly url: string };

/** @throws BrokerUnavailableError */
export async function doctor(
  nc: NatsConnection,
  options: DoctorOptions,
): Promise<readonly Examined[]> {
  const api = new BrokerApi(nc);
  // Without its streams there is nothing else to look at.
  const foundation = await examine([brokerCheck(api), provisioningCheck(api)], options);
  const hasStreams = await api.streamInfo("RUNS").then(
    () => true,
    () => false,
  );
  if (!hasStreams) return foundation;
  const runs = await LiveRuns.open(nc);
  try {
    const rest = await examine(
      [
        copiesCheck(api),
        leadersCheck(api),
        agentsCheck(api, runs),
        slotsCheck(api, runs),
        dispatchesCheck(api, runs),
        signalsCheck(api, runs),
        timersCheck(api, runs),
        readersCheck(api),
        clocksCheck(api),
        accessCheck(api, options.url),
      ],
      options,
    );
    return [...foundation, ...rest];
  } finally {
    await runs.stop();
  }
}
