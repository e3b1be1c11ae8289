/** `GET /realtime/v1/streams/:runId/:key`: a run's stream as server-sent events, early chunks first. */
import { refuse, type Refusal } from "@millrace/proto";
import {
  readStream,
  type Logger,
  type NatsConnection,
  type RunClient,
  type StreamStart,
} from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { EventStream } from "./event-stream.ts";
import { keyProblem } from "./stream-targets.ts";
import type { StreamPlace, StreamWriter } from "./stream-writer.ts";

type Headers = {
  "last-event-id"?: string;
  "timeout-seconds"?: string;
  "x-trigger-stream-start"?: string;
  "trigger-version"?: string;
};
type OneStream = { Params: { runId: string; key: string }; Headers: Headers };

type Parts = {
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly writer: StreamWriter;
  readonly log: Logger;
};

const QUIET_SECONDS = { default: 60, min: 1, max: 600 } as const;

export function streamReadRoute(app: FastifyInstance, { nc, runs, writer, log }: Parts): void {
  const open = new Set<EventStream>();
  // Whoever reads goes on elsewhere.
  app.addHook("preClose", async () => {
    for (const events of open) events.cut();
  });

  app.get<OneStream>(
    "/realtime/v1/streams/:runId/:key",
    async ({ env, params: { runId, key }, headers }, reply) => {
      const problem = keyProblem(key);
      if (problem) return sendRefusal(reply, problem);
      const quietMs = readQuiet(headers["timeout-seconds"]);
      if (typeof quietMs === "object") return sendRefusal(reply, quietMs);
      const place: StreamPlace = { env, runId, key };
      const start = await readStart(writer, place, headers);
      if ("code" in start) return sendRefusal(reply, start);
      if (!(await runs.retrieve(env, runId))) return sendRunNotFound(reply, runId);

      let isClosed = false;
      let reading: { stop(): void } | undefined;
      const events = new EventStream(quietMs, () => {
        isClosed = true;
        open.delete(events);
        reading?.stop();
      });
      open.add(events);
      // v4's clients take every event for a chunk: to them the end of the answer is the stream's.
      const saysEnd = headers["trigger-version"] === undefined;
      reading = await readStream(nc, env, runId, key, start, {
        onChunk: ({ seq, at, data }) => events.send({ id: `${at}-${seq}`, data }),
        onEnd: () => {
          if (saysEnd) events.send({ event: "end", data: "{}" });
          events.end();
        },
        onError: (error) => log.warn({ err: error, runId, key }, "reading a stream failed"),
      }).catch((error: unknown) => {
        events.cut();
        throw error;
      });
      if (isClosed) reading.stop();
      return sendEvents(reply, events);
    },
  );
}

export function sendEvents(reply: FastifyReply, events: EventStream): FastifyReply {
  return reply
    .headers({
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      // Proxies that would collect events before they hand them on.
      "x-accel-buffering": "no",
    })
    .send(events.readable);
}

/** `<ms>-<seq>` is an id of ours; a number says the index of the last chunk that was seen. */
async function readStart(
  writer: StreamWriter,
  place: StreamPlace,
  headers: Headers,
): Promise<StreamStart | Refusal> {
  const last = headers["last-event-id"];
  if (last === undefined)
    return headers["x-trigger-stream-start"] === "latest"
      ? { afterSeq: await writer.lastSeqOf(place) }
      : {};
  const [, index, , seq] = /^(\d{1,9})$|^(\d{1,16})-(\d{1,16})$/.exec(last) ?? [];
  if (index !== undefined) return { startIndex: Number(index) + 1 };
  if (seq !== undefined) return { afterSeq: Number(seq) };
  return refuse("BAD_REQUEST", "Last-Event-ID is an event's id, or a chunk's index");
}

/** Milliseconds after which a quiet answer ends. */
export function readQuiet(text: string | undefined): number | Refusal {
  const seconds = text === undefined ? QUIET_SECONDS.default : Number(text);
  if (seconds >= QUIET_SECONDS.min && seconds <= QUIET_SECONDS.max) return seconds * 1000;
  return refuse(
    "BAD_REQUEST",
    `Timeout-Seconds is ${QUIET_SECONDS.min} to ${QUIET_SECONDS.max}, not ${text}`,
  );
}
