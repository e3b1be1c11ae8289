/**
 * Spans of users' code: what is made with OpenTelemetry's API while a run executes goes to the agent.
 *
 * 1. The attempt is the parent of the outermost spans. Its own span is sent when there are others: a run that makes none
 *    costs nothing. All runs of a family are one trace.
 * 2. A process whose agent reads slower than spans are made drops them.
 *
 * OpenTelemetry's own machinery takes longer to load than a run process takes to start: it is loaded with the first span.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import {
  context,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type * as TraceBase from "@opentelemetry/sdk-trace-base";
import { currentRun } from "@millrace/sdk/internal";
import type { SpanRecord } from "@millrace/proto";
import type { Start } from "../process/messages.ts";
import type { ProcessHost } from "./host.ts";
import { recordOf } from "./span-record.ts";

type Ids = { readonly traceId: string; readonly spanId: string };

/** An attempt that is executing; `ids` are its own span's, once they were needed. */
type Traced = { readonly start: Start; readonly at: number; ids: Ids | undefined };

export class Tracing implements TracerProvider {
  readonly #mayDrop: () => boolean;
  readonly #attempts = new Map<object, Traced>();
  #provider: TracerProvider | undefined;

  /** Makes itself what OpenTelemetry's API talks to. @param mayDrop whether the agent reads too slowly */
  constructor(mayDrop: () => boolean) {
    this.#mayDrop = mayDrop;
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(this);
  }

  began(host: ProcessHost, start: Start): void {
    this.#attempts.set(host, { start, at: Date.now(), ids: undefined });
  }

  ended(host: ProcessHost): void {
    const attempt = this.#attempts.get(host);
    this.#attempts.delete(host);
    if (!attempt?.ids) return;
    const { start, at, ids } = attempt;
    const span: SpanRecord["span"] = {
      ...ids,
      name: `Attempt ${start.attempt}`,
      kind: "internal",
      durationMs: Math.max(0, Date.now() - at),
      attributes: { task: start.trigger.taskId },
      events: [],
    };
    this.#send(host, { at, span });
  }

  getTracer(...of: Parameters<TracerProvider["getTracer"]>): Tracer {
    let made: Tracer | undefined;
    const tracer = (): Tracer => (made ??= this.#base().getTracer(...of));
    const startSpan = (name: string, options?: SpanOptions, within?: Context): Span =>
      tracer().startSpan(name, options, this.#inAttempt(within ?? context.active()));
    return { startSpan, startActiveSpan: activeSpans(startSpan) };
  }

  #base(): TracerProvider {
    if (this.#provider) return this.#provider;
    const { BasicTracerProvider } = loadTraceBase();
    this.#provider = new BasicTracerProvider({
      spanProcessors: [
        {
          onStart: (span) => void this.#owners.set(span, currentRun()?.host),
          onEnd: (span) => {
            const host = this.#owners.get(span);
            if (host && this.#attempts.has(host)) this.#send(host as ProcessHost, recordOf(span));
          },
          forceFlush: async () => undefined,
          shutdown: async () => undefined,
        },
      ],
    });
    return this.#provider;
  }

  /** Who was executing when a span began. */
  readonly #owners = new WeakMap<object, object | undefined>();

  /** Outermost spans are the attempt's. */
  #inAttempt(within: Context): Context {
    const host = currentRun()?.host;
    const attempt = host && this.#attempts.get(host);
    if (!attempt || trace.getSpanContext(within)) return within;
    attempt.ids ??= idsOf(attempt.start);
    const own = trace.wrapSpanContext({ ...attempt.ids, traceFlags: TraceFlags.SAMPLED });
    return trace.setSpan(within, own);
  }

  #send(host: ProcessHost, record: Omit<SpanRecord, "attempt">): void {
    if (this.#mayDrop()) return;
    try {
      host.span(record);
    } catch {
      // An attribute no message can carry.
    }
  }
}

function loadTraceBase(): typeof TraceBase {
  return createRequire(import.meta.url)("@opentelemetry/sdk-trace-base") as typeof TraceBase;
}

/** The API's three forms: the function comes last, options and context before it. */
function activeSpans(
  startSpan: (name: string, options?: SpanOptions, within?: Context) => Span,
): Tracer["startActiveSpan"] {
  return (name: string, ...rest: readonly unknown[]): never => {
    const code = rest.at(-1) as (span: Span) => never;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
    const within = rest.length > 2 ? (rest[1] as Context) : context.active();
    const span = startSpan(name, options, within);
    return context.with(trace.setSpan(within, span), code, undefined, span);
  };
}

/** They follow from the run: nobody has to be asked for them. */
function idsOf({ runId, attempt, trigger }: Start): Ids {
  const family = createHash("sha256").update(trigger.rootRunId ?? runId);
  const own = createHash("sha256").update(`${runId}\n${attempt}`);
  return {
    traceId: family.digest("hex").slice(0, 32),
    spanId: own.digest("hex").slice(0, 16),
  };
}
