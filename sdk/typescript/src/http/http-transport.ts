/** The platform through its gateway. */
import type { RunView } from "@millrace/proto";
import { inBatch, itemError, makeBatchId } from "../batch.ts";
import type { HttpConnection } from "../config.ts";
import { apiError } from "../errors.ts";
import type { Handle, Transport, TriggerCall, TriggeredBatch } from "../host.ts";
import { HttpClient } from "./http-client.ts";
import { LiveRuns } from "./live-runs.ts";
import { makeRequestKey } from "./request-key.ts";

/** How many items of a batch are on their way at once. */
const BATCH_IN_FLIGHT = 50;

export class HttpTransport implements Transport {
  readonly #client: HttpClient;
  readonly #live: LiveRuns;

  constructor(connection: HttpConnection) {
    this.#client = new HttpClient(connection);
    this.#live = new LiveRuns(connection);
  }

  async trigger({ taskId, body }: TriggerCall): Promise<Handle> {
    const answer = await this.#client.request({
      method: "POST",
      path: `/api/v1/tasks/${encodeURIComponent(taskId)}/trigger`,
      body,
      requestKey: makeRequestKey(),
    });
    return { id: idOf(answer) };
  }

  /** There is no request for a whole batch: each item is one. After a refusal no further ones are sent. */
  async batchTrigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch> {
    const batchId = makeBatchId();
    const runIds: string[] = [];
    const queue = calls.entries();
    let refused = false;
    const work = async (): Promise<void> => {
      // Workers share one iterator: each takes the next item that nobody has taken.
      for (const [index, call] of queue) {
        if (refused) return;
        try {
          runIds[index] = (await this.trigger(inBatch(call, batchId))).id;
        } catch (error) {
          refused = true;
          throw itemError(index, error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(BATCH_IN_FLIGHT, calls.length) }, work));
    return { batchId, runIds };
  }

  async retrieve(runId: string): Promise<RunView> {
    const path = `/api/v3/runs/${encodeURIComponent(runId)}`;
    const answer = await this.#client.request({ method: "GET", path });
    idOf(answer);
    return answer as RunView;
  }

  async cancel(runId: string): Promise<void> {
    const path = `/api/v2/runs/${encodeURIComponent(runId)}/cancel`;
    await this.#client.request({ method: "POST", path });
  }

  async subscribe(
    runId: string,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<{ stop(): void }> {
    return this.#live.subscribe(runId, onView, onError);
  }

  async close(): Promise<void> {
    this.#live.close();
  }
}

/** @throws ApiError when it is no answer of a gateway */
function idOf(answer: unknown): string {
  if (typeof answer === "object" && answer !== null && "id" in answer)
    if (typeof answer.id === "string") return answer.id;
  throw apiError(200, `The gateway's answer has no id: ${JSON.stringify(answer).slice(0, 200)}`);
}
