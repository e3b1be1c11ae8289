/**
 * An attempt of a task without hooks, schema and middleware: nothing lies between the agent and `run`.
 *
 * 1. `run` is called before this returns; code that returns no promise has ended by then, and so has the attempt.
 * 2. Only what the code used costs: buffered metadata, `waitUntil`, payloads and outputs that are kept elsewhere.
 */
import { STORED, type Packet } from "@millrace/proto";
import { runInScope, type RunScope } from "../host.ts";
import { flushMetadata } from "../metadata-buffer.ts";
import type { DefinedTask } from "../registry.ts";
import { completionOf } from "./completion.ts";
import { failureOf, finalFailure, placeOf, platformFailure } from "./failure.ts";
import { leftovers } from "./leftovers.ts";
import {
  exportPacket,
  importPacket,
  inputError,
  isLarge,
  outputError,
  readPayload,
  writeOutput,
} from "./payload.ts";
import type { Attempt, AttemptEnd, AttemptSettings } from "./types.ts";

type End = AttemptEnd | Promise<AttemptEnd>;

export class PlainAttempt implements Attempt {
  readonly #task: DefinedTask;
  readonly #scope: RunScope;
  readonly #settings: AttemptSettings;

  constructor(task: DefinedTask, scope: RunScope, settings: AttemptSettings) {
    this.#task = task;
    this.#scope = scope;
    this.#settings = settings;
  }

  run(packet: Packet): End {
    return runInScope(this.#scope, () =>
      packet.type === STORED ? this.#import(packet) : this.#execute(packet),
    );
  }

  async cancel(): Promise<void> {
    await flushMetadata(this.#scope);
  }

  async onWait(): Promise<void> {
    await flushMetadata(this.#scope);
  }

  async onResume(): Promise<void> {}

  async #import(packet: Packet): Promise<AttemptEnd> {
    try {
      return await this.#execute(await importPacket(packet, this.#scope.host));
    } catch (cause) {
      return platformFailure(this.#place(), inputError("The payload cannot be fetched", cause));
    }
  }

  #execute(packet: Packet): End {
    const input = readPayload(packet);
    if (!input.ok) return finalFailure(input.error);
    const { ctx, signal } = this.#scope;
    let result: unknown;
    try {
      result = this.#task.run(input.value, { ctx, signal, init: undefined });
    } catch (thrown) {
      return this.#threw(thrown);
    }
    if (!isThenable(result)) return this.#succeeded(result);
    return Promise.resolve(result).then(
      (value) => this.#succeeded(value),
      (thrown: unknown) => this.#threw(thrown),
    );
  }

  #succeeded(value: unknown): End {
    const written = writeOutput(value);
    if (!written.ok) return this.#ended(finalFailure(written.error));
    return isLarge(written.output) ? this.#export(written.output) : this.#ended(written);
  }

  async #export(output: Packet): Promise<AttemptEnd> {
    try {
      const stored = await exportPacket(output, this.#scope.host);
      return await this.#ended({ ok: true, output: stored });
    } catch (cause) {
      const error = outputError("The run's result cannot be stored", cause);
      return await this.#ended(platformFailure(this.#place(), error));
    }
  }

  #threw(thrown: unknown): End {
    const completion = completionOf(thrown);
    if (completion) return this.#succeeded(completion.output);
    return this.#ended(failureOf(this.#place(), thrown));
  }

  #ended(end: AttemptEnd): End {
    const rest = leftovers(this.#scope);
    return rest ? rest.then(() => end) : end;
  }

  #place() {
    return placeOf(this.#task, this.#scope, this.#settings);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
