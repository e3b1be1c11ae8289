/**
 * Batches over HTTP, v4's two phases: the batch is made, then its items are sent, and sent again until all are there.
 *
 * 1. An item whose options are unusable is named before anything is sent.
 * 2. An item counts once, by its index, however often it comes.
 * 3. An item that only the platform can refuse (its task is unknown) is named, too; the others were triggered.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { batchItemsAnswerSchema, batchViewSchema, createdBatchSchema } from "@millrace/proto";
import { itemError } from "../batch.ts";
import { ApiError, apiError, BatchTriggerError, refusalError, type BatchPhase } from "../errors.ts";
import type { TriggerCall, TriggeredBatch } from "../host.ts";
import type { HttpClient } from "./http-client.ts";
import type { HttpPackets } from "./http-packets.ts";
import { optionsProblem } from "./options-problem.ts";
import { makeRequestKey } from "./request-key.ts";
import { statusOf } from "./status-of.ts";

/** How often the items are sent when some did not arrive. */
const SENDINGS = 5;
const FIRST_DELAY_MS = 1000;
const ITEMS_TIMEOUT_MS = 120_000;
const UPLOADS_AT_ONCE = 10;

export class HttpBatches {
  readonly #client: HttpClient;
  readonly #packets: HttpPackets;

  constructor(client: HttpClient, packets: HttpPackets) {
    this.#client = client;
    this.#packets = packets;
  }

  /** @throws BatchTriggerError */
  async trigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch> {
    const phase = async <T>(name: BatchPhase, work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw error instanceof ApiError ? new BatchTriggerError(name, calls.length, error) : error;
      }
    };
    check(calls);
    const sent = await phase("offload", () => this.#offload(calls));
    const batch = await phase("create", () => this.#create(sent));
    const runIds = await phase("stream", async () => {
      if (!batch.isCached) await this.#send(batch.batchId, sent);
      return await this.#runs(batch.batchId);
    });
    return { ...batch, runIds };
  }

  async #offload(calls: readonly TriggerCall[]): Promise<readonly TriggerCall[]> {
    const sent: TriggerCall[] = [];
    for (let at = 0; at < calls.length; at += UPLOADS_AT_ONCE) {
      const some = calls.slice(at, at + UPLOADS_AT_ONCE);
      sent.push(...(await Promise.all(some.map((call) => this.#packets.offload(call)))));
    }
    return sent;
  }

  async #create(calls: readonly TriggerCall[]): Promise<Omit<TriggeredBatch, "runIds">> {
    const { value, headers } = await this.#client.exchange({
      method: "POST",
      path: "/api/v3/batches",
      body: {
        runCount: calls.length,
        taskIdentifiers: [...new Set(calls.map(({ taskId }) => taskId))],
      },
      requestKey: makeRequestKey(),
    });
    const { id, isCached } = expected(createdBatchSchema, value);
    const token = headers.get("x-trigger-jwt");
    return { batchId: id, isCached, ...(token === null ? {} : { publicAccessToken: token }) };
  }

  async #send(batchId: string, calls: readonly TriggerCall[]): Promise<void> {
    const data = calls
      .map(({ taskId: task, body }, index) => `${JSON.stringify({ index, task, ...body })}\n`)
      .join("");
    for (let sending = 1; ; sending++) {
      const answer = await this.#client.request({
        method: "POST",
        path: `/api/v3/batches/${encodeURIComponent(batchId)}/items`,
        text: { data, type: "application/x-ndjson" },
        timeoutMs: ITEMS_TIMEOUT_MS,
      });
      const { sealed, enqueuedCount, expectedCount } = expected(batchItemsAnswerSchema, answer);
      if (sealed) return;
      if (sending === SENDINGS)
        throw apiError(
          undefined,
          `Batch ${batchId} has ${enqueuedCount} of its ${expectedCount} items after being sent ${SENDINGS} times`,
        );
      await sleep(FIRST_DELAY_MS * 2 ** (sending - 1) * (0.5 + Math.random() / 2));
    }
  }

  /** An item that could not be triggered is named; the others were. */
  async #runs(batchId: string): Promise<readonly string[]> {
    const path = `/api/v2/batches/${encodeURIComponent(batchId)}`;
    const { runs, processing } = expected(
      batchViewSchema,
      await this.#client.request({ method: "GET", path }),
    );
    const [failed] = processing.errors;
    if (failed) {
      const { index, error, errorCode } = failed;
      throw apiError(statusOf(errorCode), `Batch item ${index}: ${error}`, errorCode);
    }
    return runs;
  }
}

/** @throws ApiError naming the first item that is unusable */
function check(calls: readonly TriggerCall[]): void {
  const nowMs = Date.now();
  for (const [index, call] of calls.entries()) {
    const problem = optionsProblem(call, nowMs);
    if (problem) throw itemError(index, refusalError(problem));
  }
}

type Reader<T> = {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false };
};

function expected<T>(schema: Reader<T>, value: unknown): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw apiError(
    200,
    `The gateway's answer is not what was expected: ${JSON.stringify(value).slice(0, 200)}`,
  );
}
