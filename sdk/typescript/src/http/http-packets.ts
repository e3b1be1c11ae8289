/** Large payloads and outputs over HTTP: kept in the object store, put and had by presigned URLs. */
import { randomUUID } from "node:crypto";
import { LIMITS, refuse, STORED, type RunView } from "@millrace/proto";
import { apiError, refusalError } from "../errors.ts";
import type { TriggerCall } from "../host.ts";
import { plainValue } from "../packets.ts";
import type { HttpClient } from "./http-client.ts";

type Stored = { readonly data: string; readonly type: string };

/** What the gateway sends in place of a large value. */
type PresignedRun = RunView & {
  readonly payloadPresignedUrl?: string;
  readonly outputPresignedUrl?: string;
};

export class HttpPackets {
  readonly #client: HttpClient;

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /** Stores a text; the answer is the path it is had by. */
  async store({ data, type }: Stored): Promise<string> {
    if (Buffer.byteLength(data) > LIMITS.storedBytes)
      throw refusalError(
        refuse("PAYLOAD_TOO_LARGE", `The value is over ${LIMITS.storedBytes / 1024 / 1024} MB`),
      );
    const name = `trigger/packet_${randomUUID()}/payload.json`;
    const answer = await this.#client.request({
      method: "PUT",
      path: `/api/v2/packets/${encodeURIComponent(name)}`,
    });
    const { presignedUrl, storagePath } = answer as Readonly<Record<string, unknown>>;
    if (typeof presignedUrl !== "string" || typeof storagePath !== "string") throw unusable(answer);
    await this.#client.putObject(presignedUrl, data, type);
    return storagePath;
  }

  /** @throws ApiError (404) when there is none, or none any more */
  async load(path: string): Promise<Stored> {
    const answer = await this.#client.request({
      method: "GET",
      path: `/api/v1/packets/${encodeURIComponent(path)}`,
    });
    const { presignedUrl } = answer as Readonly<Record<string, unknown>>;
    if (typeof presignedUrl !== "string") throw unusable(answer);
    return await this.#client.getObject(presignedUrl);
  }

  /** The trigger with its payload stored, when it is too large to be sent. */
  async offload(call: TriggerCall): Promise<TriggerCall> {
    const { payload, options } = call.body;
    if (typeof payload !== "string" || !isOver(payload, LIMITS.inlineBytes)) return call;
    const type = options?.payloadType ?? "application/json";
    if (type === STORED) return call;
    const payloadSize = Buffer.byteLength(payload);
    const path = await this.store({ data: payload, type });
    return {
      taskId: call.taskId,
      body: {
        ...call.body,
        payload: path,
        options: { ...options, payloadType: STORED, payloadSize },
      },
    };
  }

  /** The run with its large values, which the gateway answers with URLs for. */
  async download(run: PresignedRun): Promise<RunView> {
    const { payloadPresignedUrl, outputPresignedUrl, ...view } = run;
    const [payload, output] = await Promise.all([
      payloadPresignedUrl === undefined ? undefined : this.#client.getObject(payloadPresignedUrl),
      outputPresignedUrl === undefined ? undefined : this.#client.getObject(outputPresignedUrl),
    ]);
    return {
      ...view,
      ...(payload ? { payload: plainValue(payload), payloadType: payload.type } : {}),
      ...(output ? { output: plainValue(output), outputType: output.type } : {}),
    };
  }
}

/** Short texts, nearly all, are not measured. */
function isOver(text: string, bytes: number): boolean {
  return text.length > bytes / 4 && Buffer.byteLength(text) > bytes;
}

function unusable(answer: unknown): Error {
  return apiError(
    200,
    `The gateway's answer names no place for a packet: ${JSON.stringify(answer).slice(0, 200)}`,
  );
}
