/** A finished span of OpenTelemetry's as the run's telemetry keeps it. */
import { SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { SpanRecord } from "@millrace/proto";

/** In the order of OpenTelemetry's numbers. */
const KINDS = ["internal", "server", "client", "producer", "consumer"] as const;

export function recordOf(span: ReadableSpan): Omit<SpanRecord, "attempt"> {
  const { traceId, spanId } = span.spanContext();
  const parentSpanId = span.parentSpanContext?.spanId;
  const { code, message } = span.status;
  return {
    at: Math.floor(millisecondsOf(span.startTime)),
    span: {
      traceId,
      spanId,
      ...(parentSpanId === undefined ? {} : { parentSpanId }),
      name: span.name,
      kind: KINDS[span.kind] ?? "internal",
      durationMs: Math.max(0, millisecondsOf(span.duration)),
      attributes: { ...span.attributes },
      events: span.events.map(({ time, name, attributes }) => ({
        at: Math.floor(millisecondsOf(time)),
        name,
        ...(attributes ? { attributes: { ...attributes } } : {}),
      })),
      ...(code === SpanStatusCode.ERROR ? { error: message ?? "" } : {}),
    },
  };
}

/** Of a pair of seconds and nanoseconds. */
function millisecondsOf([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1000 + nanos / 1e6;
}
