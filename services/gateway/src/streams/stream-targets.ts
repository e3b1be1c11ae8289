/** Which run's stream a request is about: the run's own, its parent's or its root's. */
import { LIMITS, noSuchRun, refuse, type Refusal } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { StreamPlace } from "./stream-writer.ts";

const TARGETS: ReadonlySet<string> = new Set(["self", "parent", "root"]);

/** Control characters and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Who a run's parent is never changes: what was found is kept, for this many requests. */
const KEPT = 10_000;

export type Placed = { readonly ok: true; readonly place: StreamPlace } | Refusal;

export class StreamTargets {
  readonly #runs: RunClient;
  readonly #found = new Map<string, string>();

  constructor(runs: RunClient) {
    this.#runs = runs;
  }

  /** @param target `self`, `parent` or `root` */
  async place(env: string, runId: string, target: string, key: string): Promise<Placed> {
    if (!TARGETS.has(target))
      return refuse(
        "ROUTE_NOT_FOUND",
        `A stream is of "self", "parent" or "root", not "${target}"`,
      );
    const problem = keyProblem(key);
    if (problem) return problem;
    const owner = await this.#ownerOf(env, runId, target);
    if (owner === undefined) return noSuchRun(runId);
    return { ok: true, place: { env, runId: owner, key } };
  }

  async #ownerOf(env: string, runId: string, target: string): Promise<string | undefined> {
    const known = JSON.stringify([env, runId, target]);
    const found = this.#found.get(known);
    if (found !== undefined) return found;
    const run = await this.#runs.retrieve(env, runId);
    if (!run) return undefined;
    const { parent, rootRunId } = run.trigger;
    // A run that nobody triggered is its own root, and has no parent to write to.
    const owner =
      target === "self" ? runId : target === "root" ? (rootRunId ?? runId) : parent?.runId;
    if (owner === undefined) return undefined;
    if (this.#found.size >= KEPT) this.#found.clear();
    this.#found.set(known, owner);
    return owner;
  }
}

/** Keys that begin so name what is sent to a run, not what it writes. */
const INPUT_PREFIX = "$input/";

/** Under which key what is sent to a run's code is kept. */
export function inputKey(streamId: string): string {
  return `${INPUT_PREFIX}${streamId}`;
}

export function keyProblem(key: string): Refusal | undefined {
  if (key.startsWith(INPUT_PREFIX))
    return refuse("BAD_REQUEST", `A stream's key does not begin with ${INPUT_PREFIX}`);
  return printableProblem(key);
}

/** Of the id of an input stream. */
export function inputProblem(streamId: string): Refusal | undefined {
  return printableProblem(streamId === "" ? "" : inputKey(streamId));
}

function printableProblem(key: string): Refusal | undefined {
  const isFitting = key.length > 0 && key.length <= LIMITS.streamKeyLength;
  if (isFitting && !UNPRINTABLE.test(key)) return undefined;
  return refuse(
    "BAD_REQUEST",
    `A stream's key has 1 to ${LIMITS.streamKeyLength} printable characters`,
  );
}
