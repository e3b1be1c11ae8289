/** A system of `bench/peers`: its server, a worker in a process of its own, and a client in this one. */
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { now, sleep, SystemMissing, type RunningSystem, type System } from "./system.ts";

const FOLDER = join(import.meta.dirname, "../../peers");
const CONCURRENCY = 100;
const LOOK_EVERY_MS = 5;

/** What a module of `bench/peers` has. */
type PeerModule = {
  readonly startServer: (
    dir: string,
    options: object,
  ) => Promise<{
    readonly url: string;
    readonly pid: number;
    readonly stop: () => Promise<void>;
  }>;
  readonly openClient: (url: string) => Promise<{
    readonly trigger: (data: { at: number }, options?: { delayMs: number }) => Promise<void>;
    readonly fanOut?: (items: number, data: { at: number }) => Promise<void>;
    readonly close: () => Promise<void>;
  }>;
};

export type PeerOptions = {
  readonly module: string;
  readonly name: string;
  readonly durability: string;
  readonly jobs: number;
  /** A program it needs, and the Debian package that has it. */
  readonly needs?: { readonly program: string; readonly debian: string };
  readonly server?: object;
  readonly worker?: object;
};

export function peer(options: PeerOptions): System {
  const { name, durability, jobs } = options;
  return { name, durability, jobs, start: (dir) => start(dir, options) };
}

async function start(dir: string, options: PeerOptions): Promise<RunningSystem> {
  installPackages();
  if (options.needs) installProgram(options.needs);
  const file = pathToFileURL(join(FOLDER, `${options.module}.mjs`)).href;
  const module = (await import(file)) as PeerModule;
  const server = await module.startServer(dir, options.server ?? {});
  const args = [options.module, server.url, String(CONCURRENCY)];
  const worker = fork(
    join(FOLDER, "worker.mjs"),
    [...args, JSON.stringify(options.worker ?? {})],
    // Restate's SDK writes a line about every invocation otherwise.
    { env: { ...process.env, RESTATE_LOGGING: "ERROR" } },
  );
  await answerOf(worker);
  const client = await module.openClient(server.url);
  const counts = async (): Promise<{ ended: number; joined: number }> =>
    (await ask(worker, "counts")) as { ended: number; joined: number };
  const { fanOut } = client;
  return {
    pids: [server.pid, worker.pid ?? 0],
    trigger: (at, delayMs) =>
      client.trigger({ at }, delayMs === undefined ? undefined : { delayMs }),
    ended: async () => (await counts()).ended,
    latencies: async () =>
      ((await ask(worker, "latencies")) as { latencies: readonly number[] }).latencies,
    ...(fanOut && {
      fanOut: async (items: number) => {
        const { joined } = await counts();
        const startedAt = now();
        await fanOut(items, { at: 0 });
        while ((await counts()).joined === joined) await sleep(LOOK_EVERY_MS);
        return now() - startedAt;
      },
    }),
    stop: async () => {
      await client.close();
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      worker.disconnect();
      await Promise.race([exited, sleep(5000)]);
      worker.kill("SIGKILL");
      await server.stop();
    },
  };
}

async function ask(worker: ChildProcess, question: string): Promise<unknown> {
  const answer = answerOf(worker);
  worker.send(question);
  return await answer;
}

async function answerOf(worker: ChildProcess): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const failed = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    worker.once("exit", failed);
    worker.once("message", (message) => {
      worker.off("exit", failed);
      resolve(message);
    });
  });
}

function installPackages(): void {
  if (existsSync(join(FOLDER, "node_modules"))) return;
  run("npm", ["ci", "--no-audit", "--no-fund"], FOLDER);
}

function installProgram({ program, debian }: { program: string; debian: string }): void {
  const isThere = (): boolean => existsSync(program);
  if (isThere()) return;
  if (process.getuid?.() !== 0)
    throw new SystemMissing(`${program} is not there: install Debian's ${debian}`);
  run("apt-get", ["update", "-qq"], FOLDER);
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", debian], FOLDER);
  if (!isThere()) throw new SystemMissing(`Debian's ${debian} has brought no ${program}`);
}

function run(program: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(program, [...args], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    throw new SystemMissing(`${program} ${args.join(" ")} failed: ${String(error)}`, {
      cause: error,
    });
  }
}
