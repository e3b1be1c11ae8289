/** The `logger`: into the run's log inside a run, to the console elsewhere. Spans go to OpenTelemetry. */
import {
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";
import type { LogRecord } from "@millrace/proto";
import { currentRun } from "./host.ts";
import { definedConfig } from "./registry.ts";

type Properties = Readonly<Record<string, unknown>>;
type Level = LogRecord["level"];

/** v4's order, from severe to chatty. */
const SEVERITY: Readonly<Record<Level | "none", number>> = {
  none: 0,
  error: 1,
  warn: 2,
  log: 3,
  info: 4,
  debug: 5,
};

function at(level: Level): (message: string, properties?: Properties) => void {
  return (message, properties) => {
    const run = currentRun();
    if (!run) return console[level](message, ...(properties ? [properties] : []));
    if (SEVERITY[level] > SEVERITY[definedConfig()?.logLevel ?? "debug"]) return;
    run.host.log({ at: Date.now(), level, message, ...(properties ? { properties } : {}) });
  };
}

/** OpenTelemetry's options of a span; or, shorter, its attributes. */
export type TraceOptions = SpanOptions | Attributes;

const SPAN_OPTIONS: readonly string[] = [
  "attributes",
  "kind",
  "links",
  "startTime",
  "root",
  "icon",
  "accessory",
];

function spanOptions(options: TraceOptions = {}): SpanOptions {
  const isOptions = Object.keys(options).some((name) => SPAN_OPTIONS.includes(name));
  return isOptions ? (options as SpanOptions) : { attributes: options as Attributes };
}

/** Looked up each time: whoever exports spans registers when the process starts. */
const tracer = () => trace.getTracer("millrace");

export const logger = {
  debug: at("debug"),
  log: at("log"),
  info: at("info"),
  warn: at("warn"),
  error: at("error"),

  /**
   * Runs the code in a span of this name.
   * @throws what the code throws; the span has failed then
   */
  trace: async <T>(
    name: string,
    code: (span: Span) => T | Promise<T>,
    options?: TraceOptions,
  ): Promise<T> =>
    await tracer().startActiveSpan(name, spanOptions(options), async (span) => {
      try {
        return await code(span);
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    }),

  /** A span that its caller ends. */
  startSpan: (name: string, options?: TraceOptions): Span =>
    tracer().startSpan(name, spanOptions(options)),
} as const;
