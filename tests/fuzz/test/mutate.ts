/** What is done to a request that makes sense, until it makes none. */
import { gzipSync } from "node:zlib";
import type { Random } from "@millrace/harness";
import type { Facts } from "../../../services/gateway/test/requests.ts";
import type { BadCredential } from "./credentials.ts";
import { bytesOf, type Draft } from "./draft.ts";
import { badHeader, badText, badValue, deepJson } from "./values.ts";

export type Around = {
  readonly random: Random;
  /** What there is in another environment. */
  readonly foreign: Facts;
  readonly credentials: readonly BadCredential[];
  readonly openRoutes: ReadonlySet<string>;
};

/** Returns whether there was anything to do it to. */
type Mutation = (draft: Draft, around: Around) => boolean;

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "PROPFIND", "LOCK"];
const CONTENT_TYPES = [
  "",
  "text/plain",
  "text/html; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "application/json; charset=nonsense",
  "application/x-ndjson",
  "x",
  "*/*",
  "/",
];
const HEADERS = [
  "x-trigger-request-idempotency-key",
  "x-trigger-api-version",
  "x-trigger-version",
  "x-trigger-client",
  "x-trigger-source",
  "x-trigger-branch",
  "x-trigger-worker",
  "x-trigger-engine-version",
  "x-trigger-stream-start",
  "x-trigger-realtime-streams-version",
  "x-trigger-electric-version",
  "trigger-version",
  "idempotency-key",
  "idempotency-key-ttl",
  "last-event-id",
  "timeout-seconds",
  "x-client-id",
  "x-part-id",
  "x-resume-from-chunk",
  "traceparent",
  "tracestate",
  "baggage",
  "accept",
  "accept-encoding",
  "accept-version",
  "host",
  "origin",
  "x-forwarded-host",
  "x-forwarded-proto",
  "forwarded",
  "if-none-match",
  "range",
  "cookie",
  "access-control-request-headers",
  "sec-websocket-protocol",
  "content-encoding",
  "x-http-method-override",
];
/** Which of another environment's ids can stand for which of a path. */
const FOREIGN: Readonly<Record<string, keyof Facts>> = {
  runId: "runId",
  batchId: "batchId",
  tokenId: "tokenId",
};

/** Open to every token that is valid: what else they need is in the path or in the lines. */
const ANY_TOKEN: ReadonlySet<string> = new Set([
  "GET /api/v1/packets/*",
  "POST /api/v3/batches/:batchId/items",
]);

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  value: ({ body }, { random }) => replaceSomewhere(body, random, () => badValue(random)),
  text: ({ body }, { random }) => replaceSomewhere(body, random, () => badText(random)),
  missing: ({ body }, { random }) => {
    const place = random.some(objectsIn(body));
    const name = random.some(Object.keys(place ?? {}));
    return place !== undefined && name !== undefined && delete place[name];
  },
  unknown: ({ body }, { random }) => {
    const place = random.some(objectsIn(body));
    const value = badValue(random);
    if (place) define(place, badText(random), value);
    return place !== undefined;
  },
  swapped: ({ body }, { random }) => {
    const copy = structuredClone(random.some(objectsIn(body)));
    return replaceSomewhere(body, random, () => copy);
  },
  whole: ({ body }, { random }) => {
    if (body.length === 0) return false;
    body[random.below(body.length)] = badValue(random);
    return true;
  },
  again: ({ body, isLines }, { random }) => {
    if (!isLines || body.length === 0) return false;
    body.push(structuredClone(random.pick(body)));
    return true;
  },
  deep: (draft, { random }) => {
    const text = bytesOf(draft)?.toString();
    if (text === undefined) return false;
    const deep = deepJson(random);
    const values = [
      ...text.matchAll(/(?<=[:[,])("(?:[^"\\]|\\.)*"|\d+|null|true|false)(?=[,}\]])/g),
    ];
    const at = values.length === 0 || random.chance(0.1) ? undefined : random.pick(values);
    draft.bytes = Buffer.from(
      at ? text.slice(0, at.index) + deep + text.slice(at.index + at[0].length) : deep,
    );
    return true;
  },
  number: (draft, { random }) => {
    const text = bytesOf(draft)?.toString();
    if (text === undefined || !/\d/.test(text)) return false;
    const number = random.pick(["1e999", "-0", "1e-400", "1".repeat(400), "01", "1.", "NaN", "+1"]);
    draft.bytes = Buffer.from(text.replace(/\d+/, number));
    return true;
  },
  bytes: (draft, { random }) => {
    const before = draft.bytes ?? bytesOf(draft);
    if (!before || before.length === 0) return false;
    draft.bytes = mangled(before, random);
    return true;
  },
  empty: (draft, { random }) => {
    draft.bytes = Buffer.from(
      random.pick(["", " ", "\n", "\0", "\ufeff", "null", '""', "[]", "0"]),
    );
    return true;
  },
  uninvited: (draft, { random }) => {
    if (draft.body.length > 0) return false;
    draft.bytes = Buffer.from(
      random.pick([JSON.stringify(badValue(random)), "{", deepJson(random)]),
    );
    return true;
  },
  type: ({ headers }, { random }) => {
    headers["content-type"] = random.pick(CONTENT_TYPES);
    return true;
  },
  packed: (draft) => {
    draft.bytes = gzipSync(Buffer.alloc(1024 * 1024, "["));
    draft.headers["content-encoding"] = "gzip";
    return draft.method !== "GET";
  },
  param: (draft, { random }) => {
    const name = random.some(Object.keys(draft.params));
    if (name === undefined || draft.isForbidden) return false;
    draft.params[name] = badText(random);
    return true;
  },
  rawParam: (draft, { random }) => {
    const name = random.some(Object.keys(draft.params));
    if (name === undefined || draft.isForbidden) return false;
    const junk = [
      "%",
      "%2",
      "%zz",
      "%00",
      "%ff",
      "%c0%af",
      "%2e%2e%2f",
      "../..",
      ";a=b",
      "%25252F",
    ];
    draft.rawParams[name] = random.pick([...junk, "\xff\xfe", "#", "%0d%0ax:1", "%ed%a0%80", ""]);
    return true;
  },
  query: ({ query }, { random }) => {
    const at = random.below(query.length);
    const found = query[at];
    if (found) query[at] = [found[0], badText(random)];
    return found !== undefined;
  },
  queryTwice: ({ query }, { random }) => {
    const found = query[random.below(query.length)];
    if (found) query.push([found[0], badText(random)]);
    return found !== undefined;
  },
  queryLess: ({ query }, { random }) => query.splice(random.below(query.length), 1).length > 0,
  queryMore: (draft, { random }) => {
    const rubbish = ["%", "%zz=1", "a[b]=1", "a[]=1&a[]=2", "__proto__[x]=1", "=", "&&&", "\xff=1"];
    if (random.chance(0.5)) draft.rawQuery = random.pick([...rubbish, "a&".repeat(2000)]);
    else draft.query.push([badText(random), badText(random)]);
    return true;
  },
  live: (draft, { random }) => {
    if (!draft.pattern.startsWith("/realtime/v1/") || draft.query.length === 0) return false;
    draft.rawQuery = `live=true&offset=${random.pick(["0_0", "0_inf", "9999999999999_0", "1_1"])}`;
    return true;
  },
  header: ({ headers }, { random }) => {
    headers[random.pick(HEADERS)] = badHeader(random);
    return true;
  },
  method: (draft, { random }) => {
    draft.method = random.pick(METHODS);
    return true;
  },
  credential: (draft, { random, credentials, openRoutes }) => {
    const { name, value, isToken } = random.pick(credentials);
    if (value === undefined) delete draft.headers["authorization"];
    else draft.headers["authorization"] = value;
    draft.done.push(name);
    draft.isForbidden ||= !openRoutes.has(draft.route) && !(isToken && ANY_TOKEN.has(draft.route));
    return true;
  },
  foreign: (draft, { random, foreign }) => {
    const name = random.some(Object.keys(draft.params)) ?? "";
    const fact = FOREIGN[name];
    if (fact === undefined || draft.rawParams[name] !== undefined) return false;
    draft.params[name] = foreign[fact];
    draft.isForbidden = true;
    return true;
  },
};
const NAMES = Object.keys(MUTATIONS);

/** Leaves out some of what may be left out: otherwise the first thing that is wrong hides what is behind it. */
export function thinOut(draft: Draft, random: Random): void {
  const keep = random.pick([0, 0.1, 0.3, 1]);
  for (const place of objectsIn(draft.body))
    for (const name of Object.keys(place)) if (!random.chance(keep)) forget(place, name, random);
  for (let at = draft.query.length - 1; at >= 0; at--)
    if (!random.chance(keep)) draft.query.splice(at, 1);
  for (const name of Object.keys(draft.headers))
    if (name !== "authorization" && !random.chance(keep)) delete draft.headers[name];
}

/** Three quarters of them: what a body must have is among them. */
function forget(place: Record<string, unknown>, name: string, random: Random): void {
  if (typeof place[name] !== "object" && random.chance(0.75)) delete place[name];
}

export function mutate(draft: Draft, around: Around): void {
  const { random } = around;
  for (let count = random.pick([1, 1, 1, 2, 3]), tries = 0; count > 0 && tries < 20; tries++) {
    const name = random.pick(NAMES);
    if (!MUTATIONS[name]?.(draft, around)) continue;
    draft.done.push(name);
    count--;
  }
}

function mangled(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.below(4)) {
    case 0:
      return Buffer.from(before);
    case 1:
      return Buffer.concat([before, Buffer.from([random.below(256)]), after]);
    case 2:
      return Buffer.concat([before, Buffer.from([random.below(256)]), after.subarray(1)]);
    default:
      return Buffer.concat([before, after, after]);
  }
}

type Container = Record<string, unknown>;

function* containersIn(value: unknown): Iterable<Container> {
  if (typeof value !== "object" || value === null) return;
  yield value as Container;
  for (const item of Object.values(value)) yield* containersIn(item);
}

function objectsIn(body: unknown[]): Container[] {
  return body.flatMap((value) => [...containersIn(value)].filter((each) => !Array.isArray(each)));
}

function replaceSomewhere(body: unknown[], random: Random, make: () => unknown): boolean {
  const containers = body.flatMap((value) => [...containersIn(value)]);
  const filled = containers.filter((each) => Object.keys(each).length > 0);
  if (filled.length === 0) return false;
  const place = random.pick(filled);
  define(place, random.pick(Object.keys(place)), make());
  return true;
}

/** Also a property called `__proto__`. */
function define(place: Container, name: string, value: unknown): void {
  Object.defineProperty(place, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
