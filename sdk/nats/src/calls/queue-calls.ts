/** Managing queues. Who declares a queue owns its limit; these calls own what is laid over it. */
import {
  LIMITS,
  ownQueue,
  queueId,
  queueKey,
  queueOfId,
  refuse,
  type CallInput,
  type QueueRecord,
  type QueueView,
  type Refusal,
} from "@millrace/proto";
import { answer, type Answer, type Answering, type Platform } from "./answers.ts";

const DEFAULT_PER_PAGE = 25;
/** More than what stands before the name. */
const QUEUE_ID_EXTRA = 16;

type Reference = CallInput<"queues.retrieve">["queue"];

export function queueCalls(platform: Platform): {
  readonly "queues.list": Answering<"queues.list">;
  readonly "queues.retrieve": Answering<"queues.retrieve">;
  readonly "queues.pause": Answering<"queues.pause">;
  readonly "queues.override": Answering<"queues.override">;
  readonly "queues.reset": Answering<"queues.reset">;
} {
  const { stores, catalog } = platform;
  const view = (env: string, record: QueueRecord): QueueView =>
    viewOfQueue(record, platform.counts(env, record.name));
  const change = async (
    env: string,
    queue: Reference,
    next: (record: QueueRecord) => QueueRecord,
  ): Promise<Answer<QueueView>> => {
    const name = nameOf(queue);
    if (name === undefined) return noSuchQueue(queue);
    const bucket = await stores.queues();
    const record = await bucket.change(queueKey(env, name), (current) => current && next(current));
    if (!record) return noSuchQueue(queue);
    catalog.learn(env, record);
    return answer(view(env, record));
  };
  return {
    "queues.list": async (env, { page = 1, perPage = DEFAULT_PER_PAGE }) => {
      const all = catalog.queues(env);
      const shown = all.slice((page - 1) * perPage, page * perPage);
      const shownPage = {
        data: shown.map((record) => view(env, record)),
        pagination: {
          currentPage: page,
          totalPages: Math.ceil(all.length / perPage),
          count: all.length,
        },
      };
      return await Promise.resolve(answer(shownPage));
    },
    "queues.retrieve": async (env, { queue }) => {
      const name = nameOf(queue);
      const found =
        name === undefined ? undefined : await (await stores.queues()).get(queueKey(env, name));
      return found ? answer(view(env, found.value)) : noSuchQueue(queue);
    },
    "queues.pause": (env, { queue, action }) =>
      change(env, queue, (record) => ({
        ...record,
        paused: action === "pause" ? true : undefined,
      })),
    "queues.override": (env, { queue, concurrencyLimit }) =>
      change(env, queue, (record) => ({
        ...record,
        override: { concurrencyLimit, at: Date.now() },
      })),
    "queues.reset": (env, { queue }) =>
      change(env, queue, (record) => ({ ...record, override: undefined })),
  };
}

/** undefined: there can be no such queue. */
function nameOf({ type, name }: Reference): string | undefined {
  // An escaped character of the id takes five.
  if (name.length > 5 * LIMITS.queueLength + QUEUE_ID_EXTRA) return undefined;
  if (type === "task") return ownQueue(name);
  if (type === "custom") return name;
  return queueOfId(name);
}

function viewOfQueue(record: QueueRecord, counts: { running: number; queued: number }): QueueView {
  const { name, type, concurrencyLimit: base, override } = record;
  const current = override?.concurrencyLimit ?? base;
  return {
    id: queueId(name),
    // A task's own queue goes by the task's id, so that type and name are a reference to it.
    name: type === "task" ? name.slice(ownQueue("").length) : name,
    type,
    running: counts.running,
    queued: counts.queued,
    paused: record.paused === true,
    concurrencyLimit: current,
    concurrency: {
      current,
      base,
      override: override?.concurrencyLimit ?? null,
      overriddenAt: override ? new Date(override.at).toISOString() : null,
      overriddenBy: null,
    },
  };
}

function noSuchQueue({ type, name }: Reference): Refusal {
  return refuse("QUEUE_NOT_FOUND", `There is no queue ${JSON.stringify(name)} (${type})`);
}
