/** The `retry` namespace: trying a part of a task again, without failing the attempt. */
import { retryFetch } from "./retry/fetch.ts";
import { onThrow } from "./retry/on-throw.ts";

export const retry = { onThrow, fetch: retryFetch } as const;
