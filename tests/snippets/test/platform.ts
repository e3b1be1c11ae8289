/** A Millrace with an environment for each group of snippets, and an agent that serves it. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Catalog, Publisher, RunClient } from "@millrace/nats";
import { Ledger, Millrace } from "@millrace/harness";
import {
  encodeEvent,
  runSubject,
  TIMER,
  viewOf,
  type LiveRun,
  type RunView,
} from "@millrace/proto";
import { configure } from "@millrace/sdk";
import { SNIPPETS } from "./catalogue.ts";
import { ENVS, type Env, type Pause, type Snippet } from "./catalogue/snippet.ts";
import { fileOf } from "./regions.ts";
import { Said } from "./said.ts";

const STAND_INS = join(import.meta.dirname, "../stand-ins");

/** Snippets that are a part of a configuration, and those that are a whole one. */
const PARTS = [56, 57, 58, 59, 60, 61, 62, 63].map((n) => `001-${n}`);
const CONFIGURATIONS: ReadonlySet<string> = new Set([...PARTS, "001-55", "003-10"]);

/** What is served besides the snippets: the reader's tasks that backends name by their ids alone. */
const BESIDES: Readonly<Partial<Record<Env, readonly string[]>>> = {
  a: [
    "../snippets/trigger/emails.ts",
    "../snippets/trigger/myTasks.ts",
    "example.ts",
    "my-task.ts",
    "scheduled.ts",
  ],
  d: ["children.ts", "configured.ts"],
  dev: ["configured.ts"],
  development: ["configured.ts"],
};

/** Where the tasks of a configured environment are, and its configuration; the others have none. */
const CONFIGURED: Readonly<
  Partial<Record<Env, { readonly dir: string; readonly config: string }>>
> = {
  d: { dir: "trigger", config: combined() },
  dev: { dir: "trigger", config: exported("001-55") },
  development: { dir: "src/trigger", config: exported("003-10") },
};

const SOON_MS = 45_000;

export class Platform {
  readonly #millrace: Millrace;
  readonly ledger: Ledger;
  readonly said: Said;
  readonly #client: RunClient;
  readonly #publisher: Publisher;

  private constructor(
    millrace: Millrace,
    ledger: Ledger,
    said: Said,
    client: RunClient,
    publisher: Publisher,
  ) {
    this.#millrace = millrace;
    this.ledger = ledger;
    this.said = said;
    this.#client = client;
    this.#publisher = publisher;
  }

  /** Resolves when every agent serves its snippets. */
  static async start(): Promise<Platform> {
    const millrace = await Millrace.start();
    try {
      const nc = await millrace.connect();
      const publisher = new Publisher(nc);
      const client = new RunClient(nc, publisher, await Catalog.open(nc));
      const ledger = await Ledger.open(nc);
      const platform = new Platform(millrace, ledger, new Said(nc), client, publisher);
      await Promise.all(ENVS.map((env) => platform.#serve(env)));
      return platform;
    } catch (error) {
      await millrace.stop();
      throw error;
    }
  }

  /** The SDK of this process talks to the gateway as this environment's user. */
  enter(env: Env): void {
    configure({ baseURL: this.#millrace.apiUrl, secretKey: keyOf(env) });
  }

  /** What a page of this environment's user is given. */
  async publicAuth(
    env: Env,
    ...scopes: readonly string[]
  ): Promise<{ readonly baseURL: string; readonly accessToken: string }> {
    const baseURL = this.#millrace.apiUrl;
    const response = await fetch(`${baseURL}/api/v1/auth/public-tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${keyOf(env)}`, "content-type": "application/json" },
      body: JSON.stringify({ scopes }),
    });
    const { token } = (await response.json()) as { token: string };
    return { baseURL, accessToken: token };
  }

  /** @returns the run's id */
  async trigger(
    env: Env,
    taskId: string,
    payload: unknown,
    metadata?: Readonly<Record<string, unknown>>,
    payloadType = "application/json",
  ): Promise<string> {
    const triggered = await this.#client.trigger(env, taskId, {
      ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
      options: { payloadType, ...(metadata ? { metadata } : {}) },
    });
    if (!triggered.ok) throw new Error(triggered.message);
    return triggered.runId;
  }

  /** Runs of a task in an environment, in the order of their triggers. */
  of(env: Env, taskId: string): LiveRun[] {
    return this.ledger.of(taskId).filter(({ trigger }) => trigger.env === env);
  }

  childrenOf(runId: string): string[] {
    return this.ledger
      .of()
      .filter(({ trigger }) => trigger.parent?.runId === runId)
      .map(({ trigger }) => trigger.taskId);
  }

  async until(runId: string, status: LiveRun["status"]): Promise<LiveRun> {
    const run = (): LiveRun | undefined => this.ledger.runs.get(runId);
    await this.ledger.until(
      () => run()?.status === status,
      SOON_MS,
      `${runId} (${run()?.trigger.taskId}) ${status}, and not ${run()?.status}`,
    );
    return run() as LiveRun;
  }

  /** The run when it has ended, its metadata included. */
  async ended(runId: string): Promise<RunView> {
    const { trigger } = await this.until(runId, "finished");
    const state = await this.#client.reader.state(trigger.env, runId);
    if (state.status === "absent") throw new Error(`No run ${runId}`);
    return viewOf(state);
  }

  /** Resolves when the run waits, and has been made to go on. */
  async pass(runId: string, index: number, pause: Pause): Promise<void> {
    const isWaiting = (): boolean => {
      const run = this.ledger.runs.get(runId);
      return run?.status === "waiting" && run.waits.length === index + 1;
    };
    await this.ledger.until(isWaiting, SOON_MS, `${runId} waits for the ${index + 1}. time`);
    const run = this.ledger.runs.get(runId) as LiveRun;
    const wait = run.waits[index];
    if (pause === "time" && wait?.kind === "duration")
      await this.#fire(run.trigger.env, runId, index, wait.until);
    else if (pause !== "time" && wait?.kind === "token") await completeToken(pause.token);
    else throw new Error(`${runId} waits for ${JSON.stringify(wait)}`);
  }

  async cancel(env: Env, runId: string): Promise<void> {
    await this.#client.cancel(env, runId);
    await this.until(runId, "finished");
  }

  async stop(): Promise<void> {
    await this.ledger.close();
    await this.#millrace.stop();
  }

  /** What the scheduler states when the time has come. */
  async #fire(env: string, runId: string, index: number, dueAt: number): Promise<void> {
    const type = "timer-fired";
    const event = encodeEvent(type, { at: Date.now(), name: TIMER.wait(index), dueAt });
    await this.#publisher.publish(runSubject(env, runId, "scheduler"), event, { type });
  }

  async #serve(env: Env): Promise<void> {
    await this.#millrace.authorize(keyOf(env), env);
    const root = join(this.#millrace.dir, "served", env);
    const { dir, config } = CONFIGURED[env] ?? { dir: "tasks" };
    const tasks = join(root, dir);
    mkdirSync(tasks, { recursive: true });
    const own = SNIPPETS.filter((snippet) => snippet.env === env && isServed(snippet));
    for (const { id } of own) symlinkSync(fileOf(id), join(tasks, `${id}.ts`));
    for (const [n, file] of (BESIDES[env] ?? []).entries())
      symlinkSync(join(STAND_INS, file), join(tasks, `besides-${n}.ts`));
    const configFile = join(root, "trigger.config.ts");
    if (config !== undefined) writeFileSync(configFile, config);
    const agent = await this.#millrace.service("worker-agent", {
      MILLRACE_ENV: env,
      MILLRACE_CPUS: "16",
      // Few at once: the next run takes over the last one's process, which is sooner than starting its own.
      MILLRACE_MACHINES: JSON.stringify({ "small-1x": { cpu: 4 } }),
      MILLRACE_MEMORY_GB: "64",
      ...(config === undefined ? { MILLRACE_TASKS_DIR: tasks } : { MILLRACE_CONFIG: configFile }),
    });
    await agent.ready();
  }
}

/** Others are executed here, or are what an agent is configured with. */
function isServed({ id, runs }: Snippet): boolean {
  return runs !== undefined && !CONFIGURATIONS.has(id);
}

function keyOf(env: Env): string {
  return `tr_dev_snippets_${env}`;
}

async function completeToken(token: string): Promise<void> {
  const { wait } = await import("@millrace/sdk");
  await wait.completeToken(token, { approved: true });
}

/** A configuration that is a snippet. */
function exported(id: string): string {
  return `export { default } from ${JSON.stringify(fileOf(id))};\n`;
}

/** A configuration of all snippets that are a part of one. */
function combined(): string {
  return [
    `import { defineConfig } from "@trigger.dev/sdk/v3";`,
    ...PARTS.map((id, n) => `import { config as part${n} } from ${JSON.stringify(fileOf(id))};`),
    `export default defineConfig({ ${PARTS.map((_, n) => `...part${n}`).join(", ")} });`,
  ].join("\n");
}
