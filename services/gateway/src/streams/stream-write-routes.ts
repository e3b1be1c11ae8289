/** `PUT`, `POST` and `HEAD /realtime/v1/streams/:runId/:target/:key`, `POST …/append`: v4's streams, version 1. */
import { LIMITS, refuse, STREAMS_KEY, streamsOf, type Refusal } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import { InFlight } from "../body/in-flight.ts";
import { linesOf } from "../body/lines.ts";
import { bytesOf, wholeBody, withRawBodies } from "../body/raw-bodies.ts";
import { sendRunAnswer, type Calls } from "../calls.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import type { Placed, StreamTargets } from "./stream-targets.ts";
import type { StreamPlace, StreamWriter } from "./stream-writer.ts";

type OneStream = {
  Params: { runId: string; target?: string; key: string };
  Headers: {
    "x-client-id"?: string;
    "x-resume-from-chunk"?: string;
    "x-part-id"?: string;
  };
};

type Parts = {
  readonly runs: RunClient;
  readonly calls: Calls;
  readonly targets: StreamTargets;
  readonly writer: StreamWriter;
};

const WITH_TARGET = "/realtime/v1/streams/:runId/:target/:key";
/** How many chunks, and bytes of them, of one request are on their way at once. */
const AT_ONCE = { count: 256, length: 4 * 1024 * 1024 };
/** v4's name for a writer that gives none. */
const NOBODY = "default";

export function streamWriteRoutes(app: FastifyInstance, parts: Parts): void {
  const { runs, calls, targets, writer } = parts;
  // Without a target the stream is the run's own.
  const paths = [WITH_TARGET, "/realtime/v1/streams/:runId/:key"];
  const place = async (env: string, { runId, target = "self", key }: OneStream["Params"]) =>
    await targets.place(env, runId, target, key);

  for (const path of paths) {
    app.put<OneStream>(path, async ({ env, params }, reply) => {
      const placed = await place(env, params);
      if (!placed.ok) return sendPlacement(reply, params.runId, placed);
      const { runId, key } = placed.place;
      const run = await runs.retrieve(env, runId);
      if (!run) return sendRunNotFound(reply, runId);
      if (run.status === "finished") return reply.code(400).send(FINISHED);
      if (!streamsOf(run).includes(key)) {
        // Whoever follows the run finds its streams in its metadata.
        const announced = await calls.call(env, "metadata.update", {
          runId,
          operations: [{ type: "append", key: STREAMS_KEY, value: key }],
        });
        if (!announced.ok) return sendRunAnswer(reply, runId, announced);
      }
      return reply.code(202).send({ version: "v1" });
    });

    app.head<OneStream>(path, async ({ env, params, headers }, reply) => {
      const placed = await place(env, params);
      if (!placed.ok) return sendPlacement(reply, params.runId, placed);
      const index = await writer.lastIndexOf(placed.place, headers["x-client-id"] ?? NOBODY);
      return reply.header("x-last-chunk-index", String(index)).send();
    });
  }

  withRawBodies(app, (context) => {
    for (const path of paths)
      context.post<OneStream>(path, async ({ env, params, headers, body }, reply) => {
        const placed = await place(env, params);
        if (!placed.ok) return sendPlacement(reply, params.runId, placed);
        const from = headers["x-resume-from-chunk"] ?? "0";
        if (!/^\d{1,9}$/.test(from))
          return sendRefusal(reply, refuse("BAD_REQUEST", `X-Resume-From-Chunk: ${from}`));
        const id = headers["x-client-id"] ?? NOBODY;
        const refusal = await write(writer, placed.place, bytesOf(body), id, Number(from));
        return refusal ? sendRefusal(reply, refusal) : reply.send({ ok: true });
      });

    context.post<OneStream>(`${WITH_TARGET}/append`, async (request, reply) => {
      const { env, params, headers, body } = request;
      const placed = await place(env, params);
      if (!placed.ok) return sendPlacement(reply, params.runId, placed);
      const bytes = await wholeBody(body, LIMITS.streamChunkBytes);
      if (!bytes) return sendRefusal(reply, TOO_LARGE);
      const partId = headers["x-part-id"];
      const chunk = { data: jsonOf(bytes.toString("utf8")) };
      await writer.append(placed.place, partId === undefined ? chunk : { ...chunk, id: partId });
      return { ok: true };
    });
  });
}

/** One writer's chunks, a line each, as they come; the request's end is the stream's. */
async function write(
  writer: StreamWriter,
  place: StreamPlace,
  body: AsyncIterable<Buffer>,
  id: string,
  from: number,
): Promise<Refusal | undefined> {
  const inFlight = new InFlight(AT_ONCE);
  let index = from;
  for await (const line of linesOf(body, LIMITS.streamChunkBytes)) {
    if (line.isTooLong) return TOO_LARGE;
    const chunk = { data: jsonOf(line.text), writer: { id, index: index++ } };
    await inFlight.add(writer.append(place, chunk), line.text.length);
  }
  await inFlight.settled();
  await writer.end(place, `${id}:${index}`);
  return undefined;
}

/** A text that is not JSON is one value all the same: itself. */
function jsonOf(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

const TOO_LARGE: Refusal = refuse(
  "PAYLOAD_TOO_LARGE",
  `A chunk of a stream has at most ${LIMITS.streamChunkBytes / 1024} KB`,
);

/** v4 has a status of its own for it. */
const FINISHED = {
  error: "The run has ended: nothing can be written to its streams any more",
  code: "RUN_FINISHED",
};

function sendPlacement(reply: FastifyReply, runId: string, placed: Placed): FastifyReply {
  if (placed.ok) return reply;
  return placed.code === "RUN_NOT_FOUND"
    ? sendRunNotFound(reply, runId)
    : sendRefusal(reply, placed);
}
