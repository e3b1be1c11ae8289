/**
 * What users do, made up from a seed: tasks, and runs with the code they execute.
 *
 * A run's code is its payload: a list of steps. So it is the same on every agent and in every attempt, as users' code is.
 */
import { ownQueue, shardOfQueue, type RetrySettings } from "@millrace/proto";
import type { Random } from "../time/random.ts";

export const ENV = "dev";
/** Two shards are enough to have parents and children in different ones. */
export const SHARDS: readonly number[] = [3, 11];

export type Step =
  | { readonly do: "work"; readonly ms: number }
  | { readonly do: "wait"; readonly ms: number }
  /** Throws in every attempt before this one. */
  | { readonly do: "fail"; readonly before: number; readonly retryMs: number }
  /** The process dies in every attempt before this one. */
  | { readonly do: "die"; readonly before: number }
  | { readonly do: "children"; readonly isBatch: boolean; readonly children: readonly Spec[] }
  /** Triggers a run and does not wait for it. */
  | { readonly do: "trigger"; readonly child: Spec }
  | { readonly do: "token"; readonly tokenId: string };

export type Options = {
  readonly delay?: string;
  readonly ttl?: number;
  readonly priority?: number;
  readonly concurrencyKey?: string;
  readonly idempotencyKey?: string;
  readonly maxAttempts?: number;
};

export type Spec = {
  readonly task: string;
  readonly options: Options;
  readonly steps: readonly Step[];
};

export type TaskKind = {
  readonly id: string;
  readonly queue: string;
  readonly limit: number | null;
  readonly isKeyed: boolean;
  readonly retry: RetrySettings | undefined;
  readonly isShared: boolean;
};

const RETRY = { maxAttempts: 3, minTimeoutInMs: 500, maxTimeoutInMs: 2000, randomize: false };

/** Short names whose queues are in the shards there are. */
function task(
  base: string,
  shard: number,
  rest: Partial<Omit<TaskKind, "id" | "queue">>,
): TaskKind {
  for (let i = 0; ; i++) {
    const id = `${base}${i}`;
    const queue = ownQueue(id);
    if (shardOfQueue(ENV, queue) === SHARDS[shard])
      return { id, queue, limit: null, isKeyed: false, retry: undefined, isShared: false, ...rest };
  }
}

export const TASKS: readonly TaskKind[] = [
  task("plain", 0, { retry: RETRY }),
  task("other", 1, { retry: RETRY, isShared: true }),
  task("one", 0, { limit: 1, retry: RETRY }),
  task("two", 1, { limit: 2 }),
  task("keyed", 0, { limit: 1, isKeyed: true, retry: RETRY }),
];

/** Runs a client triggers, and what else it does to them. */
export type Errand = {
  readonly atMs: number;
  readonly spec: Spec;
  /** So long after the trigger. */
  readonly cancelAfterMs: number | undefined;
  /** Triggered again with the same idempotency key. */
  readonly isRepeated: boolean;
};

export type Workload = {
  readonly errands: readonly Errand[];
  /** When each token is completed; never where it has a timeout that comes first. */
  readonly tokens: readonly {
    readonly id: string;
    readonly completeAtMs: number;
    readonly timeoutMs: number | undefined;
  }[];
};

export function makeWorkload(random: Random, lengthMs: number): Workload {
  const tokens: Workload["tokens"][number][] = [];
  const maker = new Maker(random, (token) => tokens.push(token), lengthMs);
  const errands = Array.from({ length: random.int(2, 5) }, (): Errand => {
    const spec = maker.spec(2);
    return {
      atMs: random.int(0, lengthMs / 2),
      spec,
      cancelAfterMs: random.chance(0.15) ? random.int(0, 8000) : undefined,
      isRepeated: spec.options.idempotencyKey !== undefined,
    };
  });
  return { errands, tokens };
}

class Maker {
  readonly #random: Random;
  readonly #addToken: (token: Workload["tokens"][number]) => void;
  readonly #lengthMs: number;
  #tokens = 0;
  #keys = 0;

  constructor(
    random: Random,
    addToken: (token: Workload["tokens"][number]) => void,
    lengthMs: number,
  ) {
    this.#random = random;
    this.#addToken = addToken;
    this.#lengthMs = lengthMs;
  }

  /** @param depth how many generations may follow */
  spec(depth: number): Spec {
    const random = this.#random;
    const kind = random.pick(TASKS);
    const count = random.pick([0, 1, 1, 2, 3]);
    return {
      task: kind.id,
      options: this.#options(kind),
      steps: Array.from({ length: count }, () => this.#step(depth)),
    };
  }

  #options(kind: TaskKind): Options {
    const random = this.#random;
    return {
      ...(kind.isKeyed ? { concurrencyKey: random.pick(["a", "b"]) } : {}),
      ...(random.chance(0.12) ? { delay: `${random.int(1, 6)}s` } : {}),
      ...(random.chance(0.1) ? { ttl: random.int(1, 10) } : {}),
      ...(random.chance(0.2) ? { priority: random.int(0, 20) } : {}),
      ...(random.chance(0.12) ? { idempotencyKey: `key-${this.#keys++}` } : {}),
      ...(random.chance(0.1) ? { maxAttempts: random.int(1, 2) } : {}),
    };
  }

  #step(depth: number): Step {
    const random = this.#random;
    const roll = random.int(1, 100);
    if (roll <= 30) return { do: "work", ms: random.int(1, random.pick([500, 3000, 15_000])) };
    if (roll <= 45) return { do: "wait", ms: random.int(1, 9000) };
    if (roll <= 57)
      return { do: "fail", before: random.int(2, 4), retryMs: random.pick([0, 500, 31_000]) };
    if (roll <= 61) return { do: "die", before: random.int(2, 3) };
    if (roll <= 70) return this.#token();
    if (depth === 0) return { do: "work", ms: random.int(1, 500) };
    if (roll <= 76) return { do: "trigger", child: this.spec(0) };
    if (roll <= 90) return { do: "children", isBatch: false, children: [this.spec(depth - 1)] };
    const children = Array.from({ length: random.int(1, 3) }, () => this.spec(depth - 1));
    return { do: "children", isBatch: true, children };
  }

  #token(): Step {
    const random = this.#random;
    const digits = (this.#tokens++).toString(32).padStart(26, "0");
    const id = `waitpoint_${digits}`;
    this.#addToken({
      id,
      completeAtMs: random.int(0, this.#lengthMs),
      timeoutMs: random.chance(0.4) ? random.int(1000, this.#lengthMs) : undefined,
    });
    return { do: "token", tokenId: id };
  }
}

/** The step a durable call belongs to, and the output of a run whose calls were answered like this. */
export function outputOf(spec: Pick<Spec, "steps">, answers: readonly string[]): string {
  let at = 0;
  const parts = spec.steps.map((step) =>
    step.do === "wait" || step.do === "token" || step.do === "children"
      ? `${step.do}(${answers[at++] ?? "?"})`
      : step.do,
  );
  return parts.join(" ");
}
