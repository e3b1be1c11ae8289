/**
 * `POST` and `GET /realtime/v1/streams/:runId/input/:streamId`: what others send to a run's code, and the run's reading of
 * it. It is kept beside the streams the run writes, for as long as they are. A record's id is its sequence: v4's runs go
 * on by the number alone.
 */
import { LIMITS, refuse, sendInputBodySchema, type Refusal } from "@millrace/proto";
import {
  readStream,
  type Logger,
  type NatsConnection,
  type RunClient,
} from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { readBody } from "../body/read-json.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { EventStream } from "./event-stream.ts";
import { readQuiet, sendEvents } from "./stream-read-route.ts";
import { inputKey, inputProblem } from "./stream-targets.ts";
import type { StreamWriter } from "./stream-writer.ts";

type OneInput = {
  Params: { runId: string; streamId: string };
  Headers: { "last-event-id"?: string; "timeout-seconds"?: string; "x-part-id"?: string };
};

type Parts = {
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly writer: StreamWriter;
  readonly log: Logger;
};

const PATH = "/realtime/v1/streams/:runId/input/:streamId";

export function inputRoutes(app: FastifyInstance, { nc, runs, writer, log }: Parts): void {
  const open = new Set<EventStream>();
  app.addHook("preClose", async () => {
    for (const events of open) events.cut();
  });

  app.post<OneInput>(PATH, async ({ env, params: { runId, streamId }, headers, body }, reply) => {
    const problem = inputProblem(streamId);
    if (problem) return sendRefusal(reply, problem);
    const read = readBody(sendInputBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const data = JSON.stringify(read.value.data ?? null);
    if (Buffer.byteLength(data) > LIMITS.inputBytes) return sendRefusal(reply, TOO_LARGE);
    const run = await runs.retrieve(env, runId);
    if (!run) return sendRunNotFound(reply, runId);
    if (run.status === "finished") return reply.code(400).send(FINISHED);
    const id = headers["x-part-id"];
    const place = { env, runId, key: inputKey(streamId) };
    await writer.append(place, id === undefined ? { data } : { data, id });
    return { ok: true };
  });

  app.get<OneInput>(PATH, async ({ env, params: { runId, streamId }, headers }, reply) => {
    const problem = inputProblem(streamId);
    if (problem) return sendRefusal(reply, problem);
    const quietMs = readQuiet(headers["timeout-seconds"]);
    if (typeof quietMs === "object") return sendRefusal(reply, quietMs);
    const last = headers["last-event-id"] ?? "0";
    if (!/^\d{1,15}$/.test(last)) return sendRefusal(reply, BAD_ID);
    if (!(await runs.retrieve(env, runId))) return sendRunNotFound(reply, runId);

    let isClosed = false;
    let reading: { stop(): void } | undefined;
    const events = new EventStream(quietMs, () => {
      isClosed = true;
      open.delete(events);
      reading?.stop();
    });
    open.add(events);
    const key = inputKey(streamId);
    const handlers = {
      onChunk: ({ seq, data }: { readonly seq: number; readonly data: string }) =>
        events.send({ id: String(seq), data }),
      onEnd: () => events.end(),
      onError: (error: unknown) =>
        log.warn({ err: error, runId, streamId }, "reading an input stream failed"),
    };
    reading = await readStream(nc, env, runId, key, { afterSeq: Number(last) }, handlers).catch(
      (error: unknown) => {
        events.cut();
        throw error;
      },
    );
    if (isClosed) reading.stop();
    return sendEvents(reply, events);
  });

  app.post("/api/v1/runs/:runId/input-streams/wait", async (_request, reply) =>
    sendRefusal(reply, NO_WAIT),
  );
}

const TOO_LARGE: Refusal = refuse(
  "PAYLOAD_TOO_LARGE",
  `What is sent to a run has at most ${LIMITS.inputBytes / 1024 / 1024} MB`,
);
const BAD_ID: Refusal = refuse("BAD_REQUEST", "Last-Event-ID is the id of an event");
const NO_WAIT: Refusal = refuse(
  "BAD_REQUEST",
  "Input streams cannot be waited for durably yet: read them while the run runs, or wait for a token",
);

/** v4 has a status of its own for it. */
const FINISHED = {
  error: "The run has ended: nothing can be sent to it any more",
  code: "RUN_FINISHED",
};
