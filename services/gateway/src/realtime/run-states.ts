/** Whole states of runs: from memory where they are there, else from the log. */
import { isRunId, type LiveRun } from "@millrace/proto";
import type { RunLogReader } from "@millrace/service-kit";
import type { Projection } from "../projection/projection.ts";

const READS_AT_ONCE = 16;
const READ_AGAIN_MS = 50;
const READS = 5;

export class RunStates {
  readonly #projection: Projection;
  readonly #reader: RunLogReader;

  constructor(projection: Projection, reader: RunLogReader) {
    this.#projection = projection;
    this.#reader = reader;
  }

  /**
   * The run as this gateway knows it, or newer; undefined when there is none.
   * @param withPayload whether large payloads matter: they are not kept in memory
   * @throws BrokerUnavailableError
   */
  async get(env: string, runId: string, withPayload: boolean): Promise<LiveRun | undefined> {
    if (!isRunId(runId)) return undefined;
    const entry = this.#projection.live(env, runId);
    if (entry && (entry.isWhole || !withPayload)) return entry.state;
    const known = entry?.state.lastSeq ?? 0;
    for (let i = 0; i < READS; i++) {
      const state = await this.#reader.state(env, runId);
      if (state.status !== "absent" && state.lastSeq >= known) return state;
      // A replica of the broker may be behind the one the projection reads.
      if (known === 0) return undefined;
      await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    }
    return entry?.state;
  }

  /**
   * In the order of the ids; those that are not there (any more) are left out.
   * @throws BrokerUnavailableError
   */
  async all(env: string, runIds: readonly string[], withPayload: boolean): Promise<LiveRun[]> {
    const found: (LiveRun | undefined)[] = [];
    const rest = runIds.entries();
    const read = async (): Promise<void> => {
      for (const [index, runId] of rest) found[index] = await this.get(env, runId, withPayload);
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, read));
    return found.filter((run) => run !== undefined);
  }
}
