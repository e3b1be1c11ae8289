/** Runs a run's code triggers and does not wait for. */
import { refuse } from "@millrace/proto";
import type { Answer, RunMessage } from "../process/messages.ts";
import { refused } from "./answers.ts";
import { ChildNames, parentOf } from "./child-names.ts";
import { readCalls, type Children } from "./children.ts";
import type { HeldRun } from "./held-run.ts";

export class Triggers {
  readonly #children: Children;
  readonly #names = new Map<number, ChildNames>();

  constructor(children: Children) {
    this.#children = children;
  }

  /** The execution is over. */
  ended(ref: number): void {
    this.#names.delete(ref);
  }

  async one(run: HeldRun, { ref, taskId, body }: RunMessage<"trigger">): Promise<Answer> {
    const read = readCalls([{ taskId, body }]);
    if (!read.ok) return refused(read);
    const planned = await this.#children.plan(run, read.calls, () => ({
      parent: { runId: run.runId },
    }));
    if (!planned.ok) return refused(planned);
    const [call] = read.calls;
    const [plan] = planned.plans;
    if (!call || !plan) return refused(refuse("BAD_REQUEST", "Nothing to trigger"));
    const runId = this.#namesOf(run, ref).runId(call, plan.data.queue);
    const [child] = await this.#children.trigger([{ ...plan, runId }]);
    // Code that is run again after a loss finds its own child: to it, that one is new.
    const isCached = child?.isCached === true && child.runId !== runId;
    return { kind: "triggered", runId: child?.runId ?? runId, isCached };
  }

  async batch(run: HeldRun, message: RunMessage<"batch-trigger">): Promise<Answer> {
    const read = readCalls(message.calls);
    if (!read.ok) return refused(read);
    const { calls } = read;
    const names = this.#namesOf(run, message.ref);
    const batchId = names.batchId(calls);
    const planned = await this.#children.plan(run, calls, () => ({
      parent: { runId: run.runId },
      batchId,
    }));
    if (!planned.ok) return refused(planned);
    const named = planned.plans.map((plan, i) => {
      const call = calls[i];
      return call ? { ...plan, runId: names.runId(call, plan.data.queue) } : plan;
    });
    const triggered = this.#children.trigger(named);
    const recorded = this.#children.recordBatch(batchId, named.length, triggered);
    const runIds = (await triggered).map(({ runId }) => runId);
    await recorded;
    return { kind: "batch", batchId, runIds };
  }

  #namesOf(run: HeldRun, ref: number): ChildNames {
    let names = this.#names.get(ref);
    if (!names) {
      names = new ChildNames(parentOf(run));
      this.#names.set(ref, names);
    }
    return names;
  }
}
