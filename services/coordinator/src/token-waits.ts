/** The tokens a shard's runs wait for: states in their logs when one was completed. */
import type { EventData, LiveRun, Obligation, TokenResult } from "@millrace/proto";
import type { Effects } from "./effects.ts";
import type { Tokens } from "./tokens.ts";

export class TokenWaits {
  readonly #tokens: Tokens;
  readonly #effects: Effects;
  /** How to stop waiting, by run: one waits for one token at a time. */
  readonly #stops = new Map<string, () => void>();

  constructor(tokens: Tokens, effects: Effects) {
    this.#tokens = tokens;
    this.#effects = effects;
  }

  begin(run: LiveRun, o: Obligation & { readonly kind: "await-token" }): void {
    const name = { env: run.trigger.env, runId: run.id };
    const { waitIndex, tokenId } = o;
    this.end(run.id);
    const stop = this.#tokens.whenComplete(name.env, tokenId, ({ output, outputType }) => {
      this.#stops.delete(run.id);
      void this.#tell(
        name,
        { at: Date.now(), waitIndex, tokenId },
        {
          ok: true,
          ...(output === undefined ? {} : { output }),
          outputType: outputType ?? "application/json",
        },
      );
    });
    this.#stops.set(run.id, stop);
  }

  end(runId: string): void {
    this.#stops.get(runId)?.();
    this.#stops.delete(runId);
  }

  stop(): void {
    for (const runId of this.#stops.keys()) this.end(runId);
  }

  /** An output that does not fit into the log is told as a failure: the run must not wait for ever. */
  async #tell(
    name: { readonly env: string; readonly runId: string },
    wait: Omit<EventData<"token-completed">, "result">,
    result: TokenResult,
  ): Promise<void> {
    if (await this.#effects.append(name, "token-completed", { ...wait, result })) return;
    await this.#effects.append(name, "token-completed", {
      ...wait,
      result: {
        ok: false,
        code: "TASK_OUTPUT_ERROR",
        message: "The token's output is too large to be handed to the run",
      },
    });
  }
}
