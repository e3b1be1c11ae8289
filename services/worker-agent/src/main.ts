/** The worker agent's process. Wiring only. */
import { runService } from "@millrace/service-kit";
import { startAgent } from "./agent/agent.ts";
import { configSchema } from "./config.ts";

await runService("worker-agent", configSchema, process.env, (context) =>
  startAgent(context, process.env),
);
