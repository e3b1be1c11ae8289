/**
 * The steady load: triggers over HTTP and over NATS, each with an idempotency key, and repeated with it until it is
 * acknowledged, as a careful client does.
 */
import type { Random } from "@millrace/harness";
import { Catalog, Publisher, RunClient, type NatsConnection } from "@millrace/nats";
import type { TriggerOptions } from "@millrace/proto";
import type { System } from "./system.ts";

/** `runId` undefined: it has not been acknowledged. */
export type Trigger = {
  readonly key: string;
  readonly taskId: string;
  readonly via: "http" | "nats";
  readonly sentAt: number;
  /** It waits for nothing: neither a delay nor a limit. */
  readonly isPlain: boolean;
  tries: number;
  runId?: string;
  ackedAt?: number;
};

type Kind = {
  readonly taskId: string;
  readonly weight: number;
  readonly options?: TriggerOptions;
  readonly waitSec?: number;
};

/** Of a soak, in which the log forgets. */
export type Forgetting = {
  readonly retentionMs: number;
  /** When the load ends: nothing is triggered that would wait longer. */
  readonly until: number;
};

export const LIMIT_OF_QUEUE = 3;
const KEYS = ["a", "b", "c"];

const KINDS: readonly Kind[] = [
  { taskId: "plain", weight: 30 },
  { taskId: "limited", weight: 25 },
  { taskId: "keyed", weight: 15 },
  { taskId: "flaky", weight: 6 },
  { taskId: "waiter", weight: 8 },
  { taskId: "parent", weight: 8 },
  { taskId: "plain", weight: 8, options: { delay: "2s" } },
];
const WEIGHTED = KINDS.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));

/** As many schedules, spread over every minute by their windows. */
const SCHEDULES = 12;
/** Of a soak: one of so many triggers waits until the log has forgotten its beginning more than twice. */
const LONG_OF = 100;
const LONG_RETENTIONS = 2.5;
/** Longer than a client has to try. */
const SHORT_KEY_TTL = "2m";
/** Long enough for all of them to be there at once. */
const PROBE_MS = 3000;
const HTTP_TIMEOUT_MS = 10_000;
const TICK_MS = 20;
const PAUSE_MS = 250;
const PAUSE_MOST_MS = 2000;

export class Load {
  readonly triggers: Trigger[] = [];
  readonly #system: System;
  readonly #random: Random;
  readonly #runs: RunClient;
  #forgetting: Forgetting | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #schedules: string[] = [];
  #isGivenUp = false;

  private constructor(system: System, random: Random, runs: RunClient) {
    this.#system = system;
    this.#random = random;
    this.#runs = runs;
  }

  static async open(system: System, random: Random, nc: NatsConnection): Promise<Load> {
    const runs = new RunClient(nc, new Publisher(nc), await Catalog.open(nc));
    const load = new Load(system, random, runs);
    const all = Array.from({ length: SCHEDULES }, (_, n) => load.#schedule(n));
    load.#schedules.push(...(await Promise.all(all)));
    return load;
  }

  /** Triggers so many runs a second from now on. */
  start(ratePerSecond: number): void {
    this.pause();
    const from = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - from) / 1000) * ratePerSecond;
      for (; sent < due; sent++) this.#another();
    }, TICK_MS);
  }

  /** From now on as it is when the log forgets. */
  forget(forgetting: Forgetting): void {
    this.#forgetting = forgetting;
  }

  /** Schedules go on. */
  pause(): void {
    clearInterval(this.#timer);
  }

  /** Ends the schedules, and resolves when all triggers are acknowledged, or after this long. */
  async stop(patienceMs: number): Promise<void> {
    clearInterval(this.#timer);
    const timer = setTimeout(() => {
      this.#isGivenUp = true;
    }, patienceMs);
    await Promise.all([...this.#underWay, ...this.#schedules.map((id) => this.#deactivate(id))]);
    clearTimeout(timer);
  }

  /**
   * Triggers as many as the limited queue takes at once, all together.
   * @returns their runs
   */
  async probe(): Promise<string[]> {
    const first = this.triggers.length;
    for (let n = 0; n < LIMIT_OF_QUEUE; n++) this.#send({ taskId: "limited" }, PROBE_MS);
    await Promise.all(this.#underWay);
    return this.triggers.slice(first).flatMap(({ runId }) => runId ?? []);
  }

  #another(): void {
    const isLong = this.#random.between(1, LONG_OF) === 1;
    this.#send(
      (isLong ? this.#longWait() : undefined) ?? this.#random.pick(WEIGHTED),
      this.#random.between(5, 120),
    );
  }

  #longWait(): Omit<Kind, "weight"> | undefined {
    const { retentionMs, until } = this.#forgetting ?? { retentionMs: 0, until: 0 };
    const waitMs = LONG_RETENTIONS * retentionMs;
    if (Date.now() + waitMs > until) return undefined;
    return { taskId: "waiter", waitSec: waitMs / 1000 };
  }

  #send(kind: Omit<Kind, "weight">, ms: number): void {
    const n = this.triggers.length;
    const trigger: Trigger = {
      key: `k${n}`,
      taskId: kind.taskId,
      via: n % 2 === 0 ? "http" : "nats",
      sentAt: Date.now(),
      isPlain: kind.taskId === "plain" && kind.options === undefined,
      tries: 0,
    };
    const { waitSec } = kind;
    const payload = { key: trigger.key, ms, ...(waitSec === undefined ? {} : { waitSec }) };
    const options = {
      ...kind.options,
      idempotencyKey: trigger.key,
      ...(this.#forgetting ? { idempotencyKeyTTL: SHORT_KEY_TTL } : {}),
      ...(kind.taskId === "keyed" ? { concurrencyKey: this.#random.pick(KEYS) } : {}),
    };
    this.triggers.push(trigger);
    const done = this.#untilAcknowledged(trigger, payload, options).finally(() => {
      this.#underWay.delete(done);
    });
    this.#underWay.add(done);
  }

  async #untilAcknowledged(
    trigger: Trigger,
    payload: unknown,
    options: TriggerOptions,
  ): Promise<void> {
    for (let pause = PAUSE_MS; !this.#isGivenUp; pause = Math.min(2 * pause, PAUSE_MOST_MS)) {
      const send = trigger.via === "http" ? this.#overHttp : this.#overNats;
      trigger.tries++;
      const runId = await send.call(this, trigger, payload, options).catch(() => undefined);
      if (runId !== undefined) {
        trigger.runId = runId;
        trigger.ackedAt = Date.now();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Another gateway every time. */
  async #overHttp(trigger: Trigger, payload: unknown, options: TriggerOptions): Promise<string> {
    const url = this.#system.apiUrls[trigger.tries % this.#system.apiUrls.length];
    return await this.#post(`${url}/api/v1/tasks/${trigger.taskId}/trigger`, { payload, options });
  }

  async #overNats(trigger: Trigger, payload: unknown, options: TriggerOptions): Promise<string> {
    const triggered = await this.#runs.trigger("dev", trigger.taskId, {
      payload: JSON.stringify(payload),
      options: { payloadType: "application/json", ...options },
    });
    if (!triggered.ok) throw new Error(triggered.message);
    return triggered.runId;
  }

  async #schedule(n: number): Promise<string> {
    return await this.#post(`${this.#system.apiUrls[0]}/api/v1/schedules`, {
      task: "scheduled",
      cron: "* * * * *",
      window: "100%",
      deduplicationKey: `chaos-${n}`,
    });
  }

  async #deactivate(id: string): Promise<void> {
    for (let tries = 0; !this.#isGivenUp; tries++)
      try {
        const url = this.#system.apiUrls[tries % this.#system.apiUrls.length];
        await this.#post(`${url}/api/v1/schedules/${id}/deactivate`, {});
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
  }

  async #post(url: string, body: unknown): Promise<string> {
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${this.#system.millrace.secretKey}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(HTTP_TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { readonly id: string }).id;
  }
}
