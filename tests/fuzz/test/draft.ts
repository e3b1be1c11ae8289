/** A request while it is being made, and then as it is sent. */
import { bodyOf, methodOf, type Example } from "../../../services/gateway/test/requests.ts";

export type Draft = {
  readonly route: string;
  method: string;
  readonly pattern: string;
  readonly params: Record<string, string>;
  /** Stands as it is: not encoded. */
  readonly rawParams: Record<string, string>;
  readonly query: [string, string][];
  /** Added to the path as it is. */
  rawQuery: string;
  readonly headers: Record<string, string>;
  /** JSON values: one, or one a line. */
  readonly body: unknown[];
  readonly isLines: boolean;
  /** Instead of `body`. */
  bytes: Buffer | undefined;
  /** It must not be answered with success, whatever else is wrong with it. */
  isForbidden: boolean;
  /** What was done to it. */
  readonly done: string[];
};

export type FuzzRequest = {
  readonly route: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly isForbidden: boolean;
  readonly done: readonly string[];
};

export function draftOf(route: string, example: Example, key: string): Draft {
  const text = bodyOf(example);
  // A copy: what is done to one request is not done to the next.
  const body = text === undefined ? [] : example.lines ? linesOf(text) : [JSON.parse(text)];
  return {
    route,
    method: methodOf(route),
    pattern: route.slice(route.indexOf(" ") + 1),
    params: { ...example.params },
    rawParams: {},
    query: Object.entries(example.query ?? {}),
    rawQuery: "",
    headers: {
      authorization: `Bearer ${key}`,
      ...(text === undefined ? {} : { "content-type": "application/json" }),
      ...example.headers,
    },
    body,
    isLines: example.lines !== undefined,
    bytes: undefined,
    isForbidden: false,
    done: [],
  };
}

export function finished(draft: Draft): FuzzRequest {
  const { route, method, headers, isForbidden, done } = draft;
  const body = draft.bytes ?? bytesOf(draft);
  return { route, method, path: pathOf(draft), headers, body, isForbidden, done };
}

/** Without a body's halves of surrogate pairs: they have no bytes. */
export function bytesOf({ body, isLines }: Draft): Buffer | undefined {
  if (body.length === 0) return undefined;
  return Buffer.from(body.map((value) => JSON.stringify(value)).join("\n") + (isLines ? "\n" : ""));
}

function linesOf(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

function pathOf({ pattern, params, rawParams, query, rawQuery }: Draft): string {
  const path = pattern.replace(/:(\w+)|\*$/g, (all: string, name?: string) => {
    const raw = rawParams[name ?? all];
    return raw ?? encode(params[name ?? all] ?? "", name === undefined);
  });
  const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  const whole = [search, rawQuery].filter((part) => part !== "").join("&");
  return whole === "" ? path : `${path}?${whole}`;
}

/** Halves of surrogate pairs cannot be encoded: they are sent as UTF-8 would have them, which no decoder takes. */
function encode(text: string, keepSlashes = false): string {
  const encoded = text.replaceAll(/[^]/gu, (char) =>
    /^[\ud800-\udfff]$/.test(char) ? "%ed%a0%80" : encodeURIComponent(char),
  );
  return keepSlashes ? encoded.replaceAll("%2F", "/") : encoded;
}
