/** The platform through its gateway. */
import {
  refuse,
  type CallInput,
  type CallName,
  type CallOutput,
  type RunView,
} from "@millrace/proto";
import type { HttpConnection } from "../config.ts";
import { apiError, refusalError, shutDown } from "../errors.ts";
import type {
  Handle,
  RunsSelector,
  StreamReader,
  Subscription,
  Transport,
  TriggerCall,
  TriggeredBatch,
} from "../host.ts";
import { HttpBatches } from "./http-batches.ts";
import { HttpClient } from "./http-client.ts";
import { HttpPackets } from "./http-packets.ts";
import { HttpStreams } from "./http-streams.ts";
import { LiveRuns } from "./live-runs.ts";
import { makeRequestKey } from "./request-key.ts";
import { ROUTES, type Route } from "./routes.ts";

/** Calls that are more than one request. */
type Composed = {
  readonly [C in CallName]?: (input: CallInput<C>) => Promise<CallOutput<C>>;
};

export class HttpTransport implements Transport {
  readonly #client: HttpClient;
  readonly #live: LiveRuns;
  readonly #packets: HttpPackets;
  readonly #batches: HttpBatches;
  readonly #streams: HttpStreams;
  readonly #composed: Composed;

  constructor(connection: HttpConnection) {
    this.#client = new HttpClient(connection);
    this.#live = new LiveRuns(connection);
    this.#packets = new HttpPackets(this.#client);
    this.#batches = new HttpBatches(this.#client, this.#packets);
    this.#streams = new HttpStreams(this.#client);
    this.#composed = {
      "streams.append": (input) => this.#streams.append(input),
      "packets.store": async (input) => ({ path: await this.#packets.store(input) }),
      "packets.load": ({ path }) => this.#packets.load(path),
    };
  }

  async trigger(call: TriggerCall): Promise<Handle> {
    const { taskId, body } = await this.#packets.offload(call);
    const { value, headers } = await this.#client.exchange({
      method: "POST",
      path: `/api/v1/tasks/${encodeURIComponent(taskId)}/trigger`,
      body,
      requestKey: makeRequestKey(),
    });
    const { isCached } = value as { readonly isCached?: unknown };
    const token = headers.get("x-trigger-jwt");
    return {
      id: idOf(value),
      ...(isCached === true ? { isCached } : {}),
      ...(token === null ? {} : { publicAccessToken: token }),
    };
  }

  async batchTrigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch> {
    return await this.#batches.trigger(calls);
  }

  async retrieve(runId: string): Promise<RunView> {
    const path = `/api/v3/runs/${encodeURIComponent(runId)}`;
    const answer = await this.#client.request({ method: "GET", path });
    idOf(answer);
    return await this.#packets.download(answer as RunView);
  }

  async cancel(runId: string): Promise<void> {
    const path = `/api/v2/runs/${encodeURIComponent(runId)}/cancel`;
    await this.#client.request({ method: "POST", path });
  }

  async subscribe(
    runId: string,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription> {
    return this.#live.subscribe({ runId }, onView, onError);
  }

  async subscribeToRuns(
    selector: RunsSelector,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription> {
    return this.#live.subscribe(selector, onView, onError);
  }

  async readStream(
    runId: string,
    key: string,
    startIndex: number,
    reader: StreamReader,
  ): Promise<Subscription> {
    return this.#streams.read(runId, key, startIndex, reader);
  }

  async call<C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>> {
    const composed: Composed[C] = this.#composed[name];
    if (composed) return await composed(input);
    const route: Route<C> | undefined = ROUTES[name];
    if (!route)
      throw refusalError(
        refuse("UNSUPPORTED_OPTION", `${name} cannot be called over HTTP: only code in a run can`),
      );
    const request = route.request(input);
    const answer = await this.#client.exchange({
      ...request,
      ...(request.method === "GET" ? {} : { requestKey: makeRequestKey() }),
    });
    return route.read ? route.read(answer, input) : (answer.value as CallOutput<C>);
  }

  async close(): Promise<void> {
    this.#live.close();
    this.#streams.close(shutDown());
  }
}

/** @throws ApiError when it is no answer of a gateway */
function idOf(answer: unknown): string {
  if (typeof answer === "object" && answer !== null && "id" in answer)
    if (typeof answer.id === "string") return answer.id;
  throw apiError(200, `The gateway's answer has no id: ${JSON.stringify(answer).slice(0, 200)}`);
}
