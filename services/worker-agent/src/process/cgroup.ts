/**
 * Memory limits of run processes, by cgroups, where an operator has delegated one to this agent. Best effort: a limit
 * that cannot be set is reported once and does without.
 *
 * The parent is named, not searched for: a version 2 cgroup that holds a process (such as the agent's own) cannot limit
 * groups below it, and one the agent was put in by others is theirs.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const MB = 1024 * 1024;

export type Cgroup = {
  /** Whether the kernel ended a process of the group for its memory. Removes the group: ask once, at the end. */
  close(): Promise<boolean>;
};

export class Cgroups {
  readonly #parent: string | undefined;
  readonly #onUnavailable: (reason: string) => void;
  #usable = true;

  constructor(parent: string | undefined, onUnavailable: (reason: string) => void) {
    this.#parent = parent;
    this.#onUnavailable = onUnavailable;
  }

  /** Puts a process that has just been started into a group of its own; undefined when that is not possible. */
  async limit(pid: number, memoryMb: number): Promise<Cgroup | undefined> {
    const parent = this.#parent;
    if (parent === undefined || !this.#usable) return undefined;
    const dir = join(parent, `millrace-${pid}`);
    try {
      await mkdir(dir);
      const isVersion2 = existsSync(join(dir, "memory.max"));
      await writeFile(
        join(dir, isVersion2 ? "memory.max" : "memory.limit_in_bytes"),
        String(Math.ceil(memoryMb * MB)),
      );
      await writeFile(join(dir, "cgroup.procs"), String(pid));
      const events = join(dir, isVersion2 ? "memory.events" : "memory.oom_control");
      return { close: () => close(dir, events) };
    } catch (error) {
      await rmdir(dir).catch(() => undefined);
      // A process that ended at once is not a reason to do without limits.
      if (existsSync(`/proc/${pid}`)) {
        this.#usable = false;
        this.#onUnavailable(String(error));
      }
      return undefined;
    }
  }
}

async function close(dir: string, events: string): Promise<boolean> {
  const text = await readFile(events, "utf8").catch(() => "");
  await rmdir(dir).catch(() => undefined);
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
}
