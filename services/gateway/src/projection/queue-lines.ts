/** The unfinished runs of each queue: who waits to be admitted, and who has been. */
import type { LiveRun, Queued } from "@millrace/proto";

export type Admitted = LiveRun & { readonly status: "queued" | "executing" | "retrying" };

/** By run id. */
export type QueueLine = {
  readonly waiting: ReadonlyMap<string, Queued>;
  /** Holding a slot where the queue has a limit; executing, or about to. */
  readonly admitted: ReadonlyMap<string, Admitted>;
};

type Line = { readonly waiting: Map<string, Queued>; readonly admitted: Map<string, Admitted> };

const NOBODY: QueueLine = { waiting: new Map(), admitted: new Map() };

export class QueueLines {
  readonly #lines = new Map<string, Map<string, Line>>();

  /** What became of a run; undefined: nobody's business any more. */
  changed(env: string, before: LiveRun | undefined, after: LiveRun | undefined): void {
    const was = before && placeOf(before);
    const is = after && placeOf(after);
    if (before && was !== undefined && was !== is)
      this.#line(env, before.trigger.queue)[was].delete(before.id);
    if (!after || is === undefined) return;
    const line = this.#line(env, after.trigger.queue);
    if (is === "waiting") line.waiting.set(after.id, after as Queued);
    else line.admitted.set(after.id, after as Admitted);
  }

  of(env: string, queue: string): QueueLine {
    return this.#lines.get(env)?.get(queue) ?? NOBODY;
  }

  /** Every admitted run of an environment. */
  *admitted(env: string): Iterable<Admitted> {
    for (const line of this.#lines.get(env)?.values() ?? []) yield* line.admitted.values();
  }

  #line(env: string, queue: string): Line {
    let queues = this.#lines.get(env);
    if (!queues) this.#lines.set(env, (queues = new Map()));
    let line = queues.get(queue);
    if (!line) queues.set(queue, (line = { waiting: new Map(), admitted: new Map() }));
    return line;
  }
}

function placeOf(run: LiveRun): "waiting" | "admitted" | undefined {
  switch (run.status) {
    case "queued":
      return run.slot === null ? "waiting" : "admitted";
    case "executing":
    case "retrying":
      return "admitted";
    case "delayed":
    case "backoff":
    case "waiting":
    case "finished":
      return undefined;
  }
}
