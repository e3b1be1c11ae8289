import { findNatsServer, type NatsServerBinary } from "../src/index.ts";

/** The first call on a machine may fetch one. */
export const FETCH_TIMEOUT_MS = 300_000;

export async function realBinary(): Promise<NatsServerBinary> {
  return findNatsServer({ env: process.env });
}
