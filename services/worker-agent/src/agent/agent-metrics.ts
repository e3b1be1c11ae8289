/** The agent's figures: what it holds, and what it has room for. */
import type { Metrics } from "@millrace/service-kit";
import type { Units } from "./places.ts";

export type Occupancy = {
  /** Runs it holds, those that wait in their process included. */
  readonly runs: number;
  readonly free: Units;
};

export function measureAgent(metrics: Metrics, agent: string, occupancy: () => Occupancy): void {
  const gauge = (name: string, help: string, of: (now: Occupancy) => number): void =>
    metrics.gauge(name, help, ["agent"], (set) => set({ agent }, of(occupancy())));
  gauge("millrace_agent_runs", "Runs that this agent holds", ({ runs }) => runs);
  gauge(
    "millrace_agent_free_cpus",
    "CPUs that no active run has",
    ({ free }) => free.milliCpus / 1000,
  );
  gauge(
    "millrace_agent_free_memory_bytes",
    "Memory that no active run has",
    ({ free }) => free.mb * 1024 * 1024,
  );
}
