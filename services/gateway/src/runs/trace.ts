/**
 * A run as a tree of spans, v4's: the run itself, below it what its code recorded, its log lines and the runs it
 * triggered. Durations are milliseconds. Pure.
 */
import { createHash } from "node:crypto";
import { iso, publicError, type LiveRun, type RunItem } from "@millrace/proto";
import type { Said } from "./telemetry-log.ts";

type SpanData = {
  readonly message: string;
  readonly taskSlug?: string;
  readonly events: readonly unknown[];
  readonly startTime: string;
  readonly duration: number;
  readonly isError: boolean;
  /** It has not ended. */
  readonly isPartial: boolean;
  readonly isCancelled: boolean;
  readonly level: string;
  readonly workerVersion?: string;
  readonly queueName?: string;
  readonly machinePreset?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
};

type Span = {
  readonly id: string;
  readonly parentId?: string;
  readonly runId: string;
  readonly attemptNumber?: number;
  readonly data: SpanData;
};

type TreeSpan = Span & { readonly children: readonly TreeSpan[] };

/** A span without what it holds. */
type FlatSpan = Omit<Span, "data"> & Omit<SpanData, "events" | "properties">;

/** The run's own span comes first, then the others in the order of their times. */
export function spansOf(
  run: LiveRun,
  said: readonly Said[],
  children: readonly RunItem[],
  nowMs: number,
): readonly Span[] {
  const root = rootOf(run, nowMs);
  const known = new Set(
    said.flatMap((one) => (one.kind === "span" ? [one.record.span.spanId] : [])),
  );
  const below = [
    ...said.map((one) => spanOf(run, one, known)),
    ...children.map((child) => childOf(run, child, nowMs)),
  ];
  return [root, ...below.toSorted((a, b) => a.data.startTime.localeCompare(b.data.startTime))];
}

/** @param spans the first is the root: what has no parent among the others is below it */
export function traceOf(
  run: LiveRun,
  spans: readonly Span[],
  said: readonly Said[],
): { readonly traceId: string; readonly rootSpan: TreeSpan | undefined } {
  const below = new Map<string, Span[]>();
  for (const span of spans.slice(1)) {
    const parent = span.parentId ?? rootIdOf(run);
    const siblings = below.get(parent);
    if (siblings) siblings.push(span);
    else below.set(parent, [span]);
  }
  const treeOf = (span: Span): TreeSpan => {
    const children = below.get(span.id) ?? [];
    // Each span has one place: a circle ends where it began.
    below.delete(span.id);
    return { ...span, children: children.map(treeOf) };
  };
  const [root] = spans;
  return { traceId: traceIdOf(run, said), rootSpan: root && treeOf(root) };
}

export function flat({ data, ...span }: Span): FlatSpan {
  const { events: _, properties: __, ...rest } = data;
  return { ...span, ...rest };
}

function rootOf(run: LiveRun, nowMs: number): Span {
  const { trigger } = run;
  const finished = run.status === "finished" ? run : undefined;
  const error = finished?.error && publicError(finished.error);
  return {
    id: rootIdOf(run),
    runId: run.id,
    data: {
      message: trigger.taskId,
      taskSlug: trigger.taskId,
      events: error ? [{ name: "exception", time: iso(run.updatedAt), properties: error }] : [],
      startTime: iso(run.startedAt ?? trigger.at),
      duration: (finished?.finishedAt ?? nowMs) - (run.startedAt ?? trigger.at),
      isError: error !== undefined && error !== null,
      isPartial: !finished,
      isCancelled: finished?.outcome === "canceled",
      level: "TRACE",
      ...(run.version === null ? {} : { workerVersion: run.version }),
      queueName: trigger.queue,
      machinePreset: trigger.machine,
    },
  };
}

function spanOf(run: LiveRun, said: Said, known: ReadonlySet<string>): Span {
  const common = { runId: run.id, attemptNumber: said.record.attempt };
  if (said.kind === "log") {
    const { at, level, message, properties } = said.record;
    return {
      ...common,
      id: hashOf(`${run.id} ${said.seq}`),
      parentId: rootIdOf(run),
      data: {
        ...leaf(message, at, 0),
        isError: level === "error",
        level: level.toUpperCase(),
        ...(properties ? { properties } : {}),
      },
    };
  }
  const { at, span } = said.record;
  const { spanId, parentSpanId, name, durationMs, attributes, events, error } = span;
  const hasParent =
    parentSpanId !== undefined && parentSpanId !== spanId && known.has(parentSpanId);
  return {
    ...common,
    id: spanId,
    parentId: hasParent ? parentSpanId : rootIdOf(run),
    data: {
      ...leaf(name, at, durationMs),
      events: events.map((event) => ({
        name: event.name,
        time: iso(event.at),
        properties: event.attributes ?? {},
      })),
      isError: error !== undefined,
      level: "TRACE",
      properties: error === undefined ? attributes : { ...attributes, error },
    },
  };
}

function childOf(run: LiveRun, child: RunItem, nowMs: number): Span {
  const startedAt = Date.parse(child.startedAt ?? child.createdAt);
  const endedAt = child.finishedAt === undefined ? nowMs : Date.parse(child.finishedAt);
  return {
    id: hashOf(child.id),
    parentId: rootIdOf(run),
    runId: child.id,
    data: {
      ...leaf(child.taskIdentifier, startedAt, endedAt - startedAt),
      taskSlug: child.taskIdentifier,
      isError: child.isFailed && !child.isCancelled,
      isPartial: child.finishedAt === undefined,
      isCancelled: child.isCancelled,
      level: "TRACE",
    },
  };
}

function leaf(message: string, at: number, duration: number): Omit<SpanData, "isError" | "level"> {
  return {
    message,
    events: [],
    startTime: iso(at),
    duration,
    isPartial: false,
    isCancelled: false,
  };
}

/** What its spans say; one of its own when it has recorded none. */
function traceIdOf(run: LiveRun, said: readonly Said[]): string {
  for (const one of said) if (one.kind === "span") return one.record.span.traceId;
  return createHash("sha256").update(run.id).digest("hex").slice(0, 32);
}

function rootIdOf(run: LiveRun): string {
  return hashOf(run.id);
}

/** The form of a span's id, always the same for the same text. */
function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
