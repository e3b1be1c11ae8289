/**
 * Starting a run process: a session of its own, nothing inherited but the environment without the platform's secrets.
 *
 * The process must not outlive a killed agent, even in a busy loop: where the system has `setpriv`, the kernel is asked
 * to kill it then. Elsewhere it ends when it notices the lost connection.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Environment } from "@millrace/service-kit";

const ENTRY = fileURLToPath(new URL("../run-process/main.js", import.meta.url));

/** How much of its machine's memory V8 may fill with objects; the rest is for code, buffers and stacks. */
const HEAP_SHARE = 0.8;

export type SpawnOptions = {
  readonly socketPath: string;
  readonly token: string;
  readonly memoryMb: number;
  /** The agent's own. */
  readonly env: Environment;
};

export function spawnRunProcess(options: SpawnOptions): ChildProcess {
  const [command, ...args] = [
    ...killedWithAgent(),
    process.execPath,
    `--max-old-space-size=${Math.max(32, Math.floor(options.memoryMb * HEAP_SHARE))}`,
    "--enable-source-maps",
    ENTRY,
  ];
  return spawn(command ?? process.execPath, args, {
    detached: true,
    stdio: "ignore",
    env: {
      ...withoutSecrets(options.env),
      MILLRACE_AGENT_SOCKET: options.socketPath,
      MILLRACE_PROCESS_TOKEN: options.token,
    },
  });
}

const SECRET = /^MILLRACE_(NATS|SECRET|MASTER|ENCRYPTION|AGENT|PROCESS)_/;

/** What users' code may see of the agent's environment. */
export function withoutSecrets(env: Environment): Record<string, string> {
  const visible: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && !SECRET.test(name)) visible[name] = value;
  return visible;
}

let guard: readonly string[] | undefined;

function killedWithAgent(): readonly string[] {
  const [program, ...flags] = ["setpriv", "--pdeathsig", "KILL", "--"];
  guard ??=
    process.platform === "linux" && spawnSync(program, [...flags, "true"]).status === 0
      ? [program, ...flags]
      : [];
  return guard;
}
