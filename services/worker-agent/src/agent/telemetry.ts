/**
 * What runs say, on its way to whoever wants to know. Sent without waiting for the broker: losing a line is better than
 * slowing a run down.
 */
import { encodeBody, telemetrySubject, type LogRecord, type SpanRecord } from "@millrace/proto";
import type { NatsConnection } from "@millrace/service-kit";
import type { HeldRun } from "./held-run.ts";

/** What a message has besides its body. */
const ENVELOPE_BYTES = 1024;

export class Telemetry {
  readonly #nc: NatsConnection;
  readonly #env: string;
  /** The largest message the broker takes. */
  readonly #maxBytes: number;

  constructor(nc: NatsConnection, env: string, maxBytes: number) {
    this.#nc = nc;
    this.#env = env;
    this.#maxBytes = maxBytes;
  }

  line(run: HeldRun, record: Omit<LogRecord, "attempt">): void {
    const line: LogRecord = { ...record, attempt: run.attempt.attempt };
    const body = encodeBody(line);
    // The message itself has been cut where it was written.
    if (this.#fits(body)) this.#send(run, body);
    else this.#send(run, encodeBody({ ...line, properties: { dropped: `${body.length} bytes` } }));
  }

  span(run: HeldRun, { at, span }: Omit<SpanRecord, "attempt">): void {
    const record: SpanRecord = { at, attempt: run.attempt.attempt, span };
    const body = encodeBody(record);
    if (this.#fits(body)) this.#send(run, body);
    else {
      const attributes = { dropped: `${body.length} bytes` };
      const name = span.name.slice(0, ENVELOPE_BYTES);
      this.#send(run, encodeBody({ ...record, span: { ...span, name, attributes, events: [] } }));
    }
  }

  #fits(body: Uint8Array): boolean {
    return body.length <= this.#maxBytes - ENVELOPE_BYTES;
  }

  #send(run: HeldRun, body: Uint8Array): void {
    if (this.#nc.isClosed()) return;
    this.#nc.publish(telemetrySubject(this.#env, run.runId), body);
  }
}
