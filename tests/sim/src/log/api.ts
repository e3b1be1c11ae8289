/** The part of the broker's JetStream API that Millrace asks: requests under `$JS.API.`, answered as the broker does. */
import { EPOCH_MS } from "../time/virtual-time.ts";
import { Consumer, type ConsumerConfig, type ConsumerHooks, type PullRequest } from "./consumer.ts";
import { Headers } from "./headers.ts";
import type { StoredMessage, Stream } from "./stream.ts";

export type Jetstream = {
  readonly streams: ReadonlyMap<string, Stream>;
  readonly consumers: ReadonlyMap<string, Map<string, Consumer>>;
  readonly consumerHooks: ConsumerHooks;
};

/** One message to the asker's inbox. */
export type Answer = (data: Uint8Array, headers?: Headers) => void;

/** A request: where its answers go, and how. */
export type Asked = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly inbox: string;
  readonly answer: Answer;
};

const NOTHING = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const API = "$JS.API.";

type ConsumerRequest = { readonly config: ConsumerConfig; readonly action?: string };
type Json = Readonly<Record<string, unknown>>;

/** Answers nothing for what Millrace never asks: then the asker finds out by its timeout. */
export function answerApi(js: Jetstream, asked: Asked): void {
  const { subject, body, answer } = asked;
  const [area = "", verb = "", ...rest] = subject.slice(API.length).split(".");
  const text = decoder.decode(body);
  const request = (text === "" ? {} : JSON.parse(text)) as Json;
  const json = (value: object): void => answer(encoder.encode(JSON.stringify(value)));
  if (area === "DIRECT") return direct(js, rest, request, answer);
  if (area === "STREAM") return stream(js, verb, rest, request, json);
  if (area === "CONSUMER") return consumer(js, [verb, ...rest], request, json, asked);
}

function stream(
  js: Jetstream,
  verb: string,
  rest: readonly string[],
  request: Json,
  json: (value: object) => void,
): void {
  const found = js.streams.get((verb === "MSG" ? rest[1] : rest[0]) ?? "");
  if (!found) return json(error(404, 10059, "stream not found"));
  if (verb === "PURGE") {
    const { filter, seq } = request as { filter: string; seq?: number };
    return json({ success: true, purged: found.purge(filter, seq) });
  }
  if (verb === "INFO") {
    const subjects = Object.fromEntries(found.subjects(String(request["subjects_filter"] ?? ">")));
    const total = Object.keys(subjects).length;
    const offset = Number(request["offset"] ?? 0);
    const page = offset >= total ? {} : subjects;
    const state = { messages: found.size, last_seq: found.lastSeq, subjects: page };
    return json({ config: found.config, total, offset, state });
  }
  if (verb === "MSG") {
    const message = found.last(String(request["last_by_subj"]));
    if (!message) return json(error(404, 10037, "no message found"));
    const { subject, seq, data } = message;
    return json({
      message: {
        subject,
        seq,
        time: timeOf(message),
        data: Buffer.from(data).toString("base64"),
        hdrs: encodeHeaders(message.headers),
      },
    });
  }
}

function consumer(
  js: Jetstream,
  path: readonly string[],
  request: Json,
  json: (value: object) => void,
  asked: Asked,
): void {
  const [verb, first = "", second = "", third = ""] = path;
  const isNamedFirst = verb === "MSG" || verb === "DURABLE";
  const streamName = isNamedFirst ? second : first;
  const found = js.streams.get(streamName);
  const consumers = js.consumers.get(streamName);
  if (!found || !consumers) return json(error(404, 10059, "stream not found"));
  if (verb === "CREATE" || verb === "DURABLE")
    return json(createConsumer(js, found, consumers, request as ConsumerRequest));
  const known = consumers.get(isNamedFirst ? third : second);
  if (verb === "MSG") return pull(known, request as PullRequest, asked);
  if (!known) return json(error(404, 10014, "consumer not found"));
  if (verb === "INFO") return json(known.info());
  if (verb === "DELETE") {
    known.isDeleted = true;
    consumers.delete(known.name);
    json({ success: true });
  }
}

/** The inbox of a pull request is where its messages go. */
function pull(known: Consumer | undefined, request: PullRequest, { inbox, answer }: Asked): void {
  if (known) known.request(inbox, request);
  else answer(NOTHING, new Headers({}, 503, "No Responders"));
}

function createConsumer(
  js: Jetstream,
  found: Stream,
  consumers: Map<string, Consumer>,
  { config, action }: ConsumerRequest,
): object {
  const known = consumers.get(config.name ?? config.durable_name ?? "");
  if (known && action === "create" && JSON.stringify(known.config) !== JSON.stringify(config))
    return error(400, 10148, "consumer already exists");
  if (known) {
    known.config = config;
    known.pump();
    return known.info();
  }
  const made = new Consumer(found, config, js.consumerHooks);
  consumers.set(made.name, made);
  return made.info();
}

function direct(js: Jetstream, rest: readonly string[], request: Json, answer: Answer): void {
  const [streamName = "", ...subject] = rest;
  const found = js.streams.get(streamName);
  if (!found) return answer(NOTHING, new Headers({}, 503, "No Responders"));
  if (subject.length > 0) {
    const message = found.last(subject.join("."));
    if (!message) return answer(NOTHING, new Headers({}, 404, "Message Not Found"));
    return answer(message.data, directHeaders(found, message));
  }
  const {
    multi_last,
    next_by_subj,
    seq = 1,
    batch = 1,
  } = request as {
    multi_last?: readonly string[];
    next_by_subj?: string;
    seq?: number;
    batch?: number;
  };
  const all = multi_last
    ? multi_last.flatMap((each) => found.last(each) ?? []).sort((a, b) => a.seq - b.seq)
    : found.from(next_by_subj ?? ">", seq);
  if (all.length === 0)
    return answer(NOTHING, new Headers({}, 404, multi_last ? "No Results" : "Message Not Found"));
  const sent = multi_last ? all : all.slice(0, batch);
  for (const [i, message] of sent.entries())
    answer(message.data, directHeaders(found, message, all.length - i - 1));
  const left = { "Nats-Num-Pending": String(all.length - sent.length) };
  answer(NOTHING, new Headers(left, 204, "EOB"));
}

function directHeaders(found: Stream, message: StoredMessage, pending?: number): Headers {
  return new Headers({
    ...message.headers,
    "Nats-Stream": found.config.name,
    "Nats-Subject": message.subject,
    "Nats-Sequence": String(message.seq),
    "Nats-Time-Stamp": timeOf(message),
    ...(pending === undefined ? {} : { "Nats-Num-Pending": String(pending) }),
  });
}

function timeOf({ at }: StoredMessage): string {
  return new Date(EPOCH_MS + Math.floor(at)).toISOString();
}

function encodeHeaders(headers: Readonly<Record<string, string>>): string | undefined {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (lines.length === 0) return undefined;
  return Buffer.from(`NATS/1.0\r\n${lines.join("")}\r\n`).toString("base64");
}

function error(code: number, err_code: number, description: string): object {
  return { error: { code, err_code, description } };
}
