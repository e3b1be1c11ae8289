/**
 * The answers to polls.
 *
 * 1. Between two polls nothing is kept of a client: its offset is a sequence of the log, its handle follows from what it
 *    asks. Any gateway answers any poll.
 * 2. A live poll without news is held for a while. It listens before it looks, so nothing falls in between.
 * 3. Rows are sent whole, as they are now: sending one again is harmless, and never goes back behind the offset.
 */
import {
  formatOffset,
  MUST_REFETCH,
  noSuchRun,
  realtimeMessage,
  refuse,
  UP_TO_DATE,
  type LiveRun,
  type RealtimeMessage,
  type Refusal,
} from "@millrace/proto";
import type { Selector } from "../live/selector.ts";
import type { Projection } from "../projection/projection.ts";
import { Hold } from "./hold.ts";
import type { RunChanges } from "./run-changes.ts";
import type { RunStates } from "./run-states.ts";
import type { ShapeRequest } from "./shape-request.ts";

/** `status` 409: what the client has is void. */
export type ShapeAnswer = {
  readonly ok: true;
  readonly status: 200 | 409;
  readonly offset: string;
  readonly seq: number;
  readonly text: string;
};

/** More runs are a list, not a subscription. */
const MAX_RUNS = 1000;
/** Characters of one answer. */
const MAX_ANSWER = 32 * 1024 * 1024;
const REACH_PATIENCE_MS = 5000;
/** How long further changes of a selection are gathered after the first. */
const GATHER_MS = 10;

export type ShapesParts = {
  readonly projection: Projection;
  readonly changes: RunChanges;
  readonly states: RunStates;
  /** How long a live poll is held without news, in milliseconds. */
  readonly holdMs: () => number;
};

export class Shapes {
  readonly #parts: ShapesParts;
  readonly #held = new Set<Hold>();
  #isReleased = false;

  constructor(parts: ShapesParts) {
    this.#parts = parts;
  }

  /** Lets every held poll go, and holds none any more: there is nothing new. */
  release(): void {
    this.#isReleased = true;
    for (const hold of this.#held) hold.release();
  }

  /**
   * @param gone aborted when the client has gone: then what is answered does not matter
   * @throws BrokerUnavailableError
   */
  async answer(request: ShapeRequest, gone: AbortSignal): Promise<ShapeAnswer | Refusal> {
    if (request.isStale) return stale(request.offset);
    const { followed } = request;
    return followed.kind === "run"
      ? await this.#run(request, followed.runId, gone)
      : await this.#runs(request, followed.selector, gone);
  }

  async #run(
    request: ShapeRequest,
    runId: string,
    gone: AbortSignal,
  ): Promise<ShapeAnswer | Refusal> {
    const { env, offset } = request;
    const { changes } = this.#parts;
    return await this.#holding(
      gone,
      (wake) => changes.watchRun(env, runId, wake),
      async (hold) => {
        let run = await this.#find(request, runId);
        if (run && run.lastSeq <= offset && request.isLive && (await hold.wait(0)))
          run = await this.#find(request, runId);
        if (!run) return noSuchRun(runId);
        return answered(request, run.lastSeq > offset ? [run] : [], Math.max(run.lastSeq, offset));
      },
    );
  }

  /** A run that has just been triggered may not have come to where it is looked for first. */
  async #find(request: ShapeRequest, runId: string): Promise<LiveRun | undefined> {
    const { projection, states } = this.#parts;
    const found = await states.get(request.env, runId, wantsPayload(request));
    if (found) return found;
    await projection.upToDate();
    return await states.get(request.env, runId, wantsPayload(request));
  }

  async #runs(
    request: ShapeRequest,
    selector: Selector,
    gone: AbortSignal,
  ): Promise<ShapeAnswer | Refusal> {
    const { env, offset } = request;
    const { projection, changes } = this.#parts;
    if (offset < 0) return await this.#snapshot(request, selector);
    if (!(await projection.reached(offset, REACH_PATIENCE_MS))) {
      const notReady = await projection.upToDate();
      // A log that is shorter than what the client has seen is another one.
      return (
        notReady ??
        (projection.seq < offset
          ? stale(projection.seq)
          : await this.#runs(request, selector, gone))
      );
    }
    return await this.#holding(
      gone,
      (wake) => changes.watchRuns(env, selector, wake),
      async (hold) => {
        let changed = this.#changedSince(env, selector, offset);
        if (changed.length === 0 && request.isLive && (await hold.wait(GATHER_MS)))
          changed = this.#changedSince(env, selector, offset);
        if (changed.length > MAX_RUNS) return stale(projection.settledSeq);
        const seq = Math.max(offset, projection.settledSeq);
        return await this.#rows(request, changed, seq);
      },
    );
  }

  async #snapshot(request: ShapeRequest, selector: Selector): Promise<ShapeAnswer | Refusal> {
    const { projection } = this.#parts;
    const notReady = await projection.upToDate();
    if (notReady) return notReady;
    const seq = projection.settledSeq;
    const runIds = projection.runsOf(request.env, selector, MAX_RUNS + 1);
    if (runIds.length > MAX_RUNS) return refuse("BAD_REQUEST", TOO_MANY);
    return await this.#rows(request, runIds, seq);
  }

  #changedSince(env: string, selector: Selector, seq: number): readonly string[] {
    const { projection, changes } = this.#parts;
    return (
      changes.since(env, selector, seq) ??
      projection.runsOf(env, { ...selector, changedAfter: seq }, MAX_RUNS + 1)
    );
  }

  async #rows(
    request: ShapeRequest,
    runIds: readonly string[],
    seq: number,
  ): Promise<ShapeAnswer | Refusal> {
    const { states } = this.#parts;
    return answered(request, await states.all(request.env, runIds, wantsPayload(request)), seq);
  }

  async #holding<T>(
    gone: AbortSignal,
    watch: (wake: () => void) => () => void,
    answer: (hold: Hold) => Promise<T>,
  ): Promise<T> {
    const hold = new Hold(this.#parts.holdMs());
    const leave = (): void => hold.release();
    this.#held.add(hold);
    gone.addEventListener("abort", leave);
    if (gone.aborted || this.#isReleased) leave();
    const unwatch = watch(() => hold.wake());
    try {
      return await answer(hold);
    } finally {
      unwatch();
      hold.release();
      gone.removeEventListener("abort", leave);
      this.#held.delete(hold);
    }
  }
}

function answered(
  request: ShapeRequest,
  runs: readonly LiveRun[],
  seq: number,
): ShapeAnswer | Refusal {
  const { columns, offset } = request;
  const texts: string[] = [];
  let length = 0;
  let atMs = 0;
  for (const run of runs) {
    const message = realtimeMessage(run, columns, offset < 0 ? "insert" : "update");
    const text = JSON.stringify(message);
    length += text.length;
    if (length > MAX_ANSWER) return refuse("PAYLOAD_TOO_LARGE", TOO_LARGE);
    texts.push(text);
    atMs = Math.max(atMs, run.updatedAt);
  }
  texts.push(JSON.stringify(UP_TO_DATE));
  return {
    ok: true,
    status: 200,
    offset: formatOffset(atMs, seq),
    seq,
    text: `[${texts.join(",")}]`,
  };
}

function stale(seq: number): ShapeAnswer {
  const messages: readonly RealtimeMessage[] = [MUST_REFETCH];
  const offset = formatOffset(0, Math.max(0, seq));
  return { ok: true, status: 409, offset, seq, text: JSON.stringify(messages) };
}

function wantsPayload({ columns }: ShapeRequest): boolean {
  return columns.includes("payload");
}

const TOO_MANY = `Over ${MAX_RUNS} runs match: give a shorter createdAt, or more tags`;
const TOO_LARGE = `The runs have over ${MAX_ANSWER / 1024 / 1024} MB: leave payload and output out with skipColumns, or give a shorter createdAt`;
