/** Realtime streams over HTTP: chunks are appended by requests, and read as server-sent events. */
import { randomUUID } from "node:crypto";
import type { CallInput, CallOutput } from "@millrace/proto";
import type { StreamReader, Subscription } from "../host.ts";
import type { HttpClient } from "./http-client.ts";
import { StreamReading } from "./stream-reading.ts";

export class HttpStreams {
  readonly #client: HttpClient;
  readonly #readings = new Set<StreamReading>();

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /**
   * v4's requests: one a chunk while the stream goes on, and all that is left in the one that ends it. A chunk that was
   * sent again, because nobody answered, is recognised by its part id.
   */
  async append({
    runId,
    key,
    chunks,
    end = false,
  }: CallInput<"streams.append">): Promise<CallOutput<"streams.append">> {
    const path = `/realtime/v1/streams/${encodeURIComponent(runId)}/self/${encodeURIComponent(key)}`;
    if (!end) {
      for (const data of chunks)
        await this.#client.request({
          method: "POST",
          path: `${path}/append`,
          text: { data, type: "application/json" },
          headers: { "x-part-id": randomUUID() },
        });
      return { ok: true };
    }
    await this.#client.request({
      method: "POST",
      path,
      text: { data: chunks.map((chunk) => `${chunk}\n`).join(""), type: "application/json" },
      headers: { "x-client-id": randomUUID().slice(0, 8), "x-stream-version": "v1" },
    });
    return { ok: true };
  }

  read(runId: string, key: string, startIndex: number, reader: StreamReader): Subscription {
    const path = `/realtime/v1/streams/${encodeURIComponent(runId)}/${encodeURIComponent(key)}`;
    const reading = new StreamReading(this.#client.connection, path, startIndex, {
      onChunk: reader.onChunk,
      onEnd: () => {
        this.#readings.delete(reading);
        reader.onEnd();
      },
      onError: (error) => {
        this.#readings.delete(reading);
        reader.onError(error);
      },
    });
    this.#readings.add(reading);
    reading.start();
    return {
      stop: () => {
        this.#readings.delete(reading);
        reading.stop();
      },
    };
  }

  /** Ends what is being read. */
  close(error: Error): void {
    for (const reading of this.#readings) reading.fail(error);
  }
}
