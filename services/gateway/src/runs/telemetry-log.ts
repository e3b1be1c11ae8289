/** What a run has said while it executed: its log lines and spans, as they are kept in `TELEMETRY` for a few days. */
import {
  decodeBody,
  logRecordSchema,
  spanRecordSchema,
  TELEMETRY,
  telemetrySubject,
  type LogRecord,
  type SpanRecord,
} from "@millrace/proto";
import { DirectReader, type NatsConnection } from "@millrace/service-kit";

/** `seq` is its place among all that is kept. */
export type Said = { readonly seq: number } & (
  | { readonly kind: "log"; readonly record: LogRecord }
  | { readonly kind: "span"; readonly record: SpanRecord }
);

export type SaidPage = { readonly said: readonly Said[]; readonly hasMore: boolean };

export class TelemetryLog {
  readonly #direct: DirectReader;

  constructor(nc: NatsConnection) {
    this.#direct = new DirectReader(nc, TELEMETRY.name);
  }

  /**
   * In the order it was said, at most `limit`, behind `after`.
   * @throws BrokerUnavailableError
   */
  async read(env: string, runId: string, limit: number, after = 0): Promise<SaidPage> {
    const said: Said[] = [];
    let hasMore = false;
    await this.#direct.each(telemetrySubject(env, runId), after, ({ seq, data }) => {
      if (said.length === limit) {
        hasMore = true;
        return false;
      }
      const one = read(seq, data);
      if (one) said.push(one);
      return undefined;
    });
    return { said, hasMore };
  }
}

function read(seq: number, data: Uint8Array): Said | undefined {
  let body: unknown;
  try {
    body = decodeBody(data);
  } catch {
    return undefined;
  }
  const span = spanRecordSchema.safeParse(body);
  if (span.success) return { seq, kind: "span", record: span.data };
  const log = logRecordSchema.safeParse(body);
  return log.success ? { seq, kind: "log", record: log.data } : undefined;
}
