/** Which runs depend on which agent: those that end, or go on elsewhere, when it is lost. */
const NONE: ReadonlySet<string> = new Set();

export class Dependents {
  readonly #byAgent = new Map<string, Set<string>>();
  readonly #onNeeded: (agentId: string) => void;

  /** @param onNeeded told of each run that begins to depend on an agent: it should be there */
  constructor(onNeeded: (agentId: string) => void) {
    this.#onNeeded = onNeeded;
  }

  of(agentId: string): ReadonlySet<string> {
    return this.#byAgent.get(agentId) ?? NONE;
  }

  add(agentId: string, runId: string): void {
    const runs = this.#byAgent.get(agentId);
    if (runs) runs.add(runId);
    else this.#byAgent.set(agentId, new Set([runId]));
    this.#onNeeded(agentId);
  }

  delete(agentId: string, runId: string): void {
    const runs = this.#byAgent.get(agentId);
    runs?.delete(runId);
    if (runs?.size === 0) this.#byAgent.delete(agentId);
  }
}
