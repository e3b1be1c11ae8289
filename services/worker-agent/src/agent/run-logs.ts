/** Reading the logs of runs, however long the broker takes to answer. */
import { initial, type RunEvent, type RunState } from "@millrace/proto";
import type { RunLogReader } from "@millrace/service-kit";

const RETRY_MS = 250;
/** A replica may lag behind what somebody else has read from its leader. */
const LAG_TRIES = 100;
const LAG_MS = 20;

export class RunLogs {
  readonly #reader: RunLogReader;
  readonly #env: string;

  constructor(reader: RunLogReader, env: string) {
    this.#reader = reader;
    this.#env = env;
  }

  /**
   * The folded state.
   * @param from what is known already
   * @param isCurrent false for a state that is known to be out of date: it is read again, for two seconds
   */
  async state(
    runId: string,
    from: RunState = initial,
    isCurrent: (state: RunState) => boolean = () => true,
  ): Promise<RunState> {
    let state = from;
    for (let tries = 0; ; tries++) {
      state = await this.#read(runId, state);
      if (isCurrent(state) || tries >= LAG_TRIES) return state;
      await pause(LAG_MS);
    }
  }

  /** The whole log, as far as it reaches back. */
  async events(runId: string): Promise<readonly RunEvent[]> {
    return await this.#untilRead(() => this.#reader.read(this.#env, runId));
  }

  async #read(runId: string, from: RunState): Promise<RunState> {
    return await this.#untilRead(() => this.#reader.state(this.#env, runId, from));
  }

  async #untilRead<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read();
      } catch {
        await pause(RETRY_MS);
      }
    }
  }
}

/** The last sequence the state is known to cover. */
export function coveredSeq(state: RunState): number {
  return state.status === "absent" ? 0 : Math.max(state.lastSeq, state.agentSeq);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
