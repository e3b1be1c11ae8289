/** A run as `GET /api/v3/runs/:id` shows it: what is too large for the answer is a URL under which it can be had. */
import {
  STORED,
  type LiveRun,
  type Packet,
  type RunItem,
  type RunView,
  type ScheduleView,
} from "@millrace/proto";
import type { Calls } from "../calls.ts";
import { itemOf } from "../projection/run-row.ts";

export type ShownRun = Omit<RunView, "payloadPath" | "outputPath" | "relatedRuns"> & {
  readonly payloadPresignedUrl?: string;
  readonly outputPresignedUrl?: string;
  readonly relatedRuns: Family;
};

type Family = {
  readonly root?: RunItem;
  readonly parent?: RunItem;
  readonly children?: readonly RunItem[];
};

/** Whom a run's family is asked from. */
export type Relatives = {
  /** undefined when there is no such run (any more). */
  readonly retrieve: (runId: string) => Promise<LiveRun | undefined>;
  /** The runs it triggered, oldest first. */
  readonly childrenOf: (runId: string) => readonly RunItem[];
};

/** @param urlOf where an object of the store can be had */
export function shownRun(view: RunView, family: Family, urlOf: (path: string) => string): ShownRun {
  const { payloadPath, outputPath, relatedRuns: _, ...rest } = view;
  return {
    ...rest,
    ...(payloadPath === undefined ? {} : { payloadPresignedUrl: urlOf(payloadPath) }),
    ...(outputPath === undefined ? {} : { outputPresignedUrl: urlOf(outputPath) }),
    relatedRuns: family,
  };
}

export async function familyOf(view: RunView, relatives: Relatives): Promise<Family> {
  const { root, parent } = view.relatedRuns;
  const find = async (id: string | undefined): Promise<RunItem | undefined> => {
    const run = id === undefined ? undefined : await relatives.retrieve(id);
    return run && itemOf(run);
  };
  const findingParent = find(parent?.id);
  const [parentItem, rootItem] = await Promise.all([
    findingParent,
    root?.id === parent?.id ? findingParent : find(root?.id),
  ]);
  const children = relatives.childrenOf(view.id);
  return {
    ...(rootItem ? { root: rootItem } : {}),
    ...(parentItem ? { parent: parentItem } : {}),
    ...(children.length > 0 ? { children } : {}),
  };
}

/** The schedule a run is of, as v4 shows it; without more than its id when there is no such schedule any more. */
export async function scheduleOf(
  { env, schedule }: LiveRun["trigger"],
  calls: Calls,
): Promise<{ readonly schedule?: { readonly id: string } & Partial<ScheduleView> }> {
  if (!schedule) return {};
  const { id } = schedule;
  const found = await calls.call(env, "schedules.retrieve", { id });
  if (!found.ok) return { schedule: { id } };
  const { externalId, deduplicationKey, generator } = found.value;
  return {
    schedule: {
      id,
      ...(externalId === undefined ? {} : { externalId }),
      ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
      generator,
    },
  };
}

/** Where the run's payload or output is stored; undefined when it is not, or there is none. */
export function storedPath(run: LiveRun, which: "payload" | "output"): string | undefined {
  const packet: Packet | null =
    which === "payload" ? run.trigger.payload : run.status === "finished" ? run.output : null;
  return packet?.type === STORED ? packet.data : undefined;
}
