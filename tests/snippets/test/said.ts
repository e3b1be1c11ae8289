/** What runs say while they execute: their printed lines and the names of their spans. */
import type { NatsConnection } from "@millrace/nats";
import { decodeBody, logRecordSchema, spanRecordSchema } from "@millrace/proto";

export class Said {
  readonly #lines = new Map<string, string[]>();

  constructor(nc: NatsConnection) {
    nc.subscribe("otel.*.*", {
      callback: (error, { subject, data }) => {
        if (error) throw error;
        const [, , runId = ""] = subject.split(".");
        const lines = this.#lines.get(runId) ?? [];
        this.#lines.set(runId, [...lines, lineOf(decodeBody(data))]);
      },
    });
  }

  by(runId: string): readonly string[] {
    return this.#lines.get(runId) ?? [];
  }
}

function lineOf(record: unknown): string {
  const line = logRecordSchema.safeParse(record);
  if (!line.success) return `span ${spanRecordSchema.parse(record).span.name}`;
  const { level, message, properties } = line.data;
  return [level, message, ...(properties ? [JSON.stringify(properties)] : [])].join(" ");
}
