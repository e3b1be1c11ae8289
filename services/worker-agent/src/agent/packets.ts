/** Values too large for an event are kept in the object store: they are brought back before code sees them. */
import {
  STORED,
  type ChildResult,
  type Packet,
  type TokenResult,
  type Wait,
} from "@millrace/proto";
import { BrokerUnavailableError, type Objects } from "@millrace/service-kit";
import type { Claimed } from "./held-run.ts";

const RETRY_MS = 250;

export class Packets {
  readonly #env: string;
  readonly #objects: Objects;

  constructor(env: string, objects: Objects) {
    this.#env = env;
    this.#objects = objects;
  }

  /** The attempt with its payload and the results of its waits in place; undefined when the payload is gone. */
  async loadAttempt(claimed: Claimed): Promise<Claimed | undefined> {
    const { trigger } = claimed;
    const waits = await Promise.all(claimed.waits.map((wait) => this.loadWait(wait)));
    if (trigger.payload.type !== STORED) return { ...claimed, waits };
    const payload = await this.#load(trigger.payload.data ?? "");
    return payload && { ...claimed, waits, trigger: { ...trigger, payload } };
  }

  async loadWait(wait: Wait): Promise<Wait> {
    if (!isStoredWait(wait)) return wait;
    if (wait.kind === "token") return { ...wait, result: await this.#tokenResult(wait.result) };
    const children = await Promise.all(
      wait.children.map(async (child) => ({
        ...child,
        result: await this.#childResult(child.result),
      })),
    );
    return { ...wait, children };
  }

  /** undefined when nothing is there, or no longer. */
  async #load(path: string): Promise<Packet | undefined> {
    return await untilAnswered(() => this.#objects.get(this.#env, path));
  }

  async #childResult(result: ChildResult | null): Promise<ChildResult | null> {
    if (!isStored(result)) return result;
    const { id, taskIdentifier, output = "" } = result;
    const packet = await this.#load(output);
    if (packet) return { ok: true, id, taskIdentifier, ...fieldsOf(packet) };
    const message = `The output of run ${id} is no longer stored`;
    const error = { type: "INTERNAL_ERROR" as const, code: "TASK_OUTPUT_ERROR", message };
    return { ok: false, id, taskIdentifier, error };
  }

  async #tokenResult(result: TokenResult | null): Promise<TokenResult | null> {
    if (!isStored(result)) return result;
    const packet = await this.#load(result.output ?? "");
    if (packet) return { ok: true, ...fieldsOf(packet) };
    return {
      ok: false,
      code: "OBJECT_NOT_FOUND",
      message: "The token's output is no longer stored",
    };
  }
}

/** Whether anything the attempt is given is kept elsewhere. */
export function needsLoading({ trigger, waits }: Claimed): boolean {
  return trigger.payload.type === STORED || waits.some(isStoredWait);
}

/** Whether results have to be loaded before the wait can be answered. */
export function isStoredWait(
  wait: Wait,
): wait is Extract<Wait, { readonly kind: "children" | "token" }> {
  switch (wait.kind) {
    case "duration":
      return false;
    case "children":
      return wait.children.some(({ result }) => isStored(result));
    case "token":
      return isStored(wait.result);
  }
}

function isStored<R extends ChildResult | TokenResult>(
  result: R | null,
): result is Extract<R, { readonly ok: true }> {
  return result?.ok === true && result.outputType === STORED;
}

function fieldsOf({ data, type }: Packet): { outputType: string; output?: string } {
  return { outputType: type, ...(data === undefined ? {} : { output: data }) };
}

/** What the code waits for is not given up because the broker is away for a while. */
async function untilAnswered<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof BrokerUnavailableError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
