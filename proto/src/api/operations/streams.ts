/** Operations on the streams of runs: what they write, and what is sent to them. */
import { createdStreamSchema, sendInputBodySchema, writtenSchema } from "../run-streams.ts";
import { orTokenOnce, READ_RUN, SECRET_KEY, type Content, type Operation } from "./operation.ts";

const tag = "Streams";
const OWN = "/realtime/v1/streams/:runId/:key";
const OF_TARGET = "/realtime/v1/streams/:runId/:target/:key";
const INPUT = "/realtime/v1/streams/:runId/input/:streamId";

/** Of a run that has ended; v4 has a status of its own for it. */
const ENDED = { code: "RUN_FINISHED", status: 400 } as const;
const WRITER = { "x-client-id": "Who writes: each writer counts its own chunks." };
const PART = { "x-part-id": "Names the chunk: sent again, it is written once." };
const READING = {
  "last-event-id": "Go on behind this event.",
  "timeout-seconds": "After how many quiet seconds the answer ends: 1 to 600, default 60.",
};

const written: Content = { description: "It is written.", schema: writtenSchema };
const events: Content = {
  description: "An event a chunk, its data a JSON text; comments keep the connection alive.",
  type: "text/event-stream",
};

/** A stream of the run itself, of its parent or its root; without a target: its own. */
function writing(route: string, suffix: "" | "OfTarget"): readonly Operation[] {
  const common = { route, tag, credentials: SECRET_KEY } as const;
  const errors =
    suffix === "" ? (["RUN_NOT_FOUND"] as const) : (["RUN_NOT_FOUND", "ROUTE_NOT_FOUND"] as const);
  return [
    {
      ...common,
      method: "PUT",
      id: `createStream${suffix}`,
      summary: "Announce a stream in its run's metadata",
      answers: { 202: { description: "It may be written.", schema: createdStreamSchema } },
      errors: [ENDED, "METADATA_TOO_LARGE", ...errors],
    },
    {
      ...common,
      method: "HEAD",
      id: `findStreamPosition${suffix}`,
      summary: "Ask how much of a writer's chunks has arrived",
      headers: WRITER,
      answers: {
        200: {
          description: "In the header.",
          isEmpty: true,
          headers: { "x-last-chunk-index": "The last chunk's index; -1: none." },
        },
      },
      errors,
    },
    {
      ...common,
      method: "POST",
      id: `writeStream${suffix}`,
      summary: "Write a stream",
      description: "A JSON text a line, as they come; the request's end is the stream's.",
      headers: {
        ...WRITER,
        "x-resume-from-chunk": "The index of the first line, where a request was cut off.",
      },
      body: { type: "application/x-ndjson" },
      answers: { 200: written },
      errors,
    },
  ];
}

export const STREAM_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    route: OWN,
    id: "readStream",
    tag,
    summary: "Read a run's stream from its beginning",
    credentials: READ_RUN,
    headers: {
      ...READING,
      "x-trigger-stream-start": "`latest`: only what is written from now on.",
    },
    answers: { 200: events },
    errors: ["RUN_NOT_FOUND"],
  },
  ...writing(OWN, ""),
  ...writing(OF_TARGET, "OfTarget"),
  {
    method: "POST",
    route: `${OF_TARGET}/append`,
    id: "appendToStream",
    tag,
    summary: "Write one chunk of a stream",
    credentials: SECRET_KEY,
    headers: PART,
    body: {
      type: "application/json",
      description: "Up to 512 KB; text that is not JSON is itself.",
    },
    answers: { 200: written },
    errors: ["RUN_NOT_FOUND", "ROUTE_NOT_FOUND"],
  },
  {
    method: "POST",
    route: INPUT,
    id: "sendInput",
    tag,
    summary: "Send a value to a run's code",
    credentials: orTokenOnce("write:inputStreams:{runId}"),
    headers: PART,
    body: { schema: sendInputBodySchema },
    answers: { 200: written },
    errors: ["RUN_NOT_FOUND", ENDED],
  },
  {
    method: "GET",
    route: INPUT,
    id: "readInput",
    tag,
    summary: "Read what was sent to a run's code",
    credentials: READ_RUN,
    headers: READING,
    answers: { 200: events },
    errors: ["RUN_NOT_FOUND"],
  },
  {
    method: "POST",
    route: "/api/v1/runs/:runId/input-streams/wait",
    id: "waitForInput",
    tag,
    summary: "Not supported: always refused",
    description: "Input streams cannot be waited for durably yet: wait for a token.",
    credentials: SECRET_KEY,
    answers: {},
  },
];
