import { runsNamed } from "../stand-ins/runs-named.ts";
export async function manage(id: string) {
  const runs = runsNamed("run_123", id);
// #region snippet
// Cancel runs
await runs.cancel("run_123");

// Replay runs with same payload
await runs.replay("run_123");

// Retrieve run with cost details
const run = await runs.retrieve("run_123");
console.log(`Cost: ${run.costInCents} cents, Duration: ${run.durationMs}ms`);
// #endregion
}
