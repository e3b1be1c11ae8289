/** The agent as it is deployed: a process of its own, from `dist`. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./coordinator.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly exited: Promise<number | null>;

  constructor(url: string, tasksDir: string, env: Readonly<Record<string, string>>) {
    if (!existsSync(MAIN)) throw new Error(`Build first: ${MAIN} is not there`);
    this.#child = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env["PATH"],
        MILLRACE_NATS_URL: url,
        MILLRACE_TASKS_DIR: tasksDir,
        MILLRACE_CPUS: "2",
        MILLRACE_MEMORY_GB: "4",
        MILLRACE_PRESETS: "small-1x,small-2x",
        ...env,
      },
    });
    this.exited = new Promise((resolve) => {
      this.#child.once("exit", (code) => resolve(code));
    });
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#lines.push(JSON.parse(line) as LogLine);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get id(): string {
    return String(this.#lines[0]?.["instance"]);
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  async line(message: string): Promise<LogLine> {
    return await eventually(() => {
      const line = this.#lines.find(({ msg }) => msg.includes(message));
      if (line) return line;
      throw new Error(`No line with "${message}" in ${JSON.stringify(this.#lines)}`);
    });
  }

  /** Resolves when it takes runs. */
  async ready(): Promise<this> {
    await this.line("ready for runs");
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<number | null> {
    this.kill("SIGTERM");
    return await this.exited;
  }

  /** Processes it has started that are alive. */
  async children(): Promise<number[]> {
    return await childrenOf(this.pid);
  }
}

export async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for (const name of await readdir("/proc"))
    if (/^\d+$/.test(name) && (await parentOf(Number(name))) === pid) children.push(Number(name));
  return children;
}

/** Whether the process is there and not merely waiting to be buried. */
export async function isAlive(pid: number): Promise<boolean> {
  return (await parentOf(pid)) !== undefined;
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return parent === undefined || state === "Z" ? undefined : Number(parent);
}

/** A folder of task files; `remove` deletes it. */
export async function tasksFolder(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "millrace-agent-tasks-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
