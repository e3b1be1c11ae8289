/**
 * Long polls: the rows of runs, as they are and as they change.
 *
 * 1. Rows count when the answer they are in is there as a whole: an answer that breaks off is asked for again.
 * 2. While the gateway is not reached or not able to answer, it is asked again, for ever, less and less often.
 * 3. An answer 409 says that what is here is void: it begins anew, and gives all rows again.
 */
import type { RealtimeMessage, RealtimeRow } from "@millrace/proto";
import { ApiError, refusalOf, type Api, type Query } from "./api.ts";

type Place = { readonly offset: string; readonly handle?: string; readonly cursor?: string };

const BEGINNING: Place = { offset: "-1" };
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
const PAUSE_FACTOR = 1.3;
/** How often what is not there is asked for again when the gateway says it may come. */
const MAX_MISSES = 5;

/**
 * All rows, at first and whenever some have changed.
 * @throws ApiError what the gateway refuses for good
 * @throws the signal's reason when it is aborted
 */
export async function* followRows(
  api: Api,
  path: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<readonly RealtimeRow[]> {
  const rows = new Map<string, RealtimeRow>();
  let place = BEGINNING;
  for (;;) {
    const { status, headers, messages } = await poll(
      api,
      path,
      { ...query, ...asked(place) },
      signal,
    );
    if (status === 409) {
      rows.clear();
      place = BEGINNING;
      await pause(MIN_PAUSE_MS, signal);
      continue;
    }
    const isFirst = place === BEGINNING;
    place = placeOf(headers, place);
    if (apply(rows, messages) || isFirst) yield [...rows.values()];
  }
}

function asked({ offset, handle, cursor }: Place): Query {
  return handle === undefined ? { offset } : { offset, handle, live: "true", cursor };
}

function placeOf(headers: Headers, before: Place): Place {
  const offset = headers.get("electric-offset");
  const handle = headers.get("electric-handle");
  if (offset === null || handle === null)
    throw new Error(
      "The answer has no electric-offset and electric-handle: does a proxy drop them?",
    );
  const cursor = headers.get("electric-cursor") ?? before.cursor;
  return { offset, handle, ...(cursor === undefined ? {} : { cursor }) };
}

/** @returns whether there was a row */
function apply(rows: Map<string, RealtimeRow>, messages: readonly RealtimeMessage[]): boolean {
  let hasRows = false;
  for (const message of messages) {
    if (!("key" in message)) continue;
    hasRows = true;
    rows.set(message.key, { ...rows.get(message.key), ...message.value });
  }
  return hasRows;
}

type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly messages: readonly RealtimeMessage[];
};

async function poll(api: Api, path: string, query: Query, signal: AbortSignal): Promise<Answer> {
  let misses = 0;
  for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_FACTOR, MAX_PAUSE_MS)) {
    try {
      const response = await api.get(path, query, signal);
      const { ok, status, headers } = response;
      if (!ok && status !== 409) throw await refusalOf(response);
      const text = await response.text();
      const messages = text === "" ? [] : (JSON.parse(text) as readonly RealtimeMessage[]);
      return { status, headers, messages };
    } catch (error) {
      signal.throwIfAborted();
      const isFinal = error instanceof ApiError && !error.isTransient;
      const isMissing = error instanceof ApiError && error.status === 404;
      if (isFinal || (isMissing && ++misses > MAX_MISSES)) throw error;
    }
    await pause(pauseMs, signal);
  }
}

/** @throws the signal's reason when it is aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const leave = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const timer = setTimeout(leave, ms);
    signal.addEventListener("abort", leave, { once: true });
  });
  signal.throwIfAborted();
}
