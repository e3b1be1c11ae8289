/** What the rules of the contract are asked with. */
import {
  ensureConsumer,
  PullLoop,
  type Delivery,
  type NatsConnection,
} from "@millrace/service-kit";
import { encodeBody, makeRunId, slotConsumer, slotSubject } from "@millrace/proto";
import { expect } from "vitest";

/** One rule, asked of a broker; `name` is nobody else's, for subjects, queues and keys. */
export type Rule = {
  readonly title: string;
  readonly ask: (nc: NatsConnection, name: string) => Promise<void>;
};

export const BODY = encodeBody("x");
export const runId = (): string => makeRunId(3, Date.now(), randomBytes());
const randomBytes = (): Uint8Array => Uint8Array.from({ length: 10 }, () => Math.random() * 256);
export const sleep = async (ms: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
};
export async function until(isSo: () => boolean, withinMs = 8000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !isSo() && Date.now() < deadline;) await sleep(5);
  expect(isSo()).toBe(true);
}

/** What a pull loop on a gate's consumer gets. */
export async function gate(
  nc: NatsConnection,
  queue: string,
  limit: number,
): Promise<{ readonly got: Delivery[]; readonly loop: PullLoop }> {
  await ensureConsumer(nc, slotConsumer({ env: "dev", queue }, limit));
  return pulling(nc, queue, limit, 10);
}

/** The same of a consumer that need not be there yet. */
export function pulling(
  nc: NatsConnection,
  queue: string,
  limit: number,
  want: number,
): { readonly got: Delivery[]; readonly loop: PullLoop } {
  const definition = slotConsumer({ env: "dev", queue }, limit);
  const got: Delivery[] = [];
  const loop = new PullLoop(nc, {
    stream: definition.stream,
    consumer: () => definition.durable_name,
    ensure: () => ensureConsumer(nc, definition),
    onMessage: (delivery) => got.push(delivery),
  });
  loop.want(want);
  return { got, loop };
}

export const slot = (queue: string, id: string): string => slotSubject({ env: "dev", queue }, id);
export const ids = (got: readonly Delivery[]): string[] =>
  got.map(({ subject }) => subject.slice(subject.lastIndexOf(".") + 1));
