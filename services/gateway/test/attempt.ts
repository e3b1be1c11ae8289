/** What an agent states about a run, in the order it happens. */
import type { TestGateway } from "./harness.ts";

const AGENT = { attempt: 1, agentId: "agent_test" } as const;

export async function startAttempt(gateway: TestGateway, runId: string): Promise<void> {
  await gateway.state(runId, "agent", "attempt-started", {
    ...AGENT,
    at: Date.now(),
    claimId: "claim",
    continues: false,
    maxAttempts: null,
  });
}

export async function succeed(gateway: TestGateway, runId: string, data: string): Promise<void> {
  await gateway.state(runId, "agent", "attempt-succeeded", {
    ...AGENT,
    at: Date.now(),
    durationMs: 5,
    output: { data, type: "application/json" },
  });
}
