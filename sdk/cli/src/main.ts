/** `npm start`, once everything is installed and built: starts, shows, waits, stops. */
import { DataDir } from "./data-dir.ts";
import { DEMO_TASK_ID, runDemo } from "./demo.ts";
import { chooseGatewayPort } from "./gateway-port.ts";
import { Installation } from "./installation.ts";
import { acquireLock } from "./lock.ts";
import type { Options } from "./options.ts";
import { bringUp } from "./bring-up.ts";
import { DEMO_TASKS_DIR } from "./services.ts";
import { onParentGone, onStopSignals } from "./stop-signals.ts";
import { orStopped, StartError, StoppedError } from "./stopping.ts";
import { Terminal } from "./terminal.ts";
import { howToTrigger, readyLines } from "./welcome.ts";

const INTERRUPTED = 130;

/** @returns the exit status, when everything it started has ended */
export async function main(options: Options): Promise<number> {
  const terminal = new Terminal(process.stdout, process.env, now);
  // Who read the output is gone; what runs goes on, and is stopped as always.
  process.stdout.on("error", () => undefined);
  try {
    const dataDir = new DataDir(options.dataDir);
    const attempt = acquireLock(dataDir.lockFile);
    if (!attempt.ok)
      throw new StartError(
        `Millrace runs already on ${dataDir.path} (process ${attempt.pid}): stop it, or store elsewhere with --data DIR`,
      );
    try {
      return await supervise(options, dataDir, terminal);
    } finally {
      attempt.release();
    }
  } catch (error) {
    if (error instanceof StoppedError) return INTERRUPTED;
    terminal.endProgress();
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function now(): number {
  return performance.now();
}

/** Holds the lock: starts everything, and stops it whatever happens. */
async function supervise(options: Options, dataDir: DataDir, terminal: Terminal): Promise<number> {
  const stopping = new AbortController();
  const installation = new Installation({
    dataDir,
    env: process.env,
    tasksDir: options.tasksDir ?? DEMO_TASKS_DIR,
    gatewayPort: options.port,
    durability: options.durability,
    say: (line) => terminal.line(line),
    onFatal: (error) => stopping.abort(error),
    stopping: stopping.signal,
  });
  const stop = (): void => {
    if (stopping.signal.aborted) return;
    terminal.endProgress();
    terminal.line("Stopping …");
    stopping.abort(new StoppedError());
  };
  const stopAtOnce = (): void => {
    installation.kill();
    process.exit(INTERRUPTED);
  };
  onStopSignals(process, now, stop, stopAtOnce);
  if (process.env["npm_lifecycle_event"] === "start") onParentGone(() => process.ppid, stop);
  process.on("uncaughtException", (error) => {
    stopping.abort(new StartError(error.stack ?? error.message));
  });
  try {
    return await run(options, installation, dataDir, terminal, stopping.signal);
  } finally {
    await installation.stop();
  }
}

async function run(
  options: Options,
  installation: Installation,
  dataDir: DataDir,
  terminal: Terminal,
  stopping: AbortSignal,
): Promise<number> {
  // Before anything slow: that the port is taken is told at once.
  if (options.port !== null) await chooseGatewayPort(options.port);
  const up = await bringUp(installation, dataDir, process.env, terminal, stopping);
  for (const line of readyLines(up, dataDir.path, installation.durability, terminal.style))
    terminal.line(line);
  let exampleTaskId = DEMO_TASK_ID;
  if (options.tasksDir === null) {
    const succeeded = await runDemo({ ...up, terminal, stopping });
    if (options.once) return succeeded ? 0 : 1;
  } else {
    terminal.line(`Tasks of ${options.tasksDir}: ${up.taskIds.join(", ") || "none"}`);
    exampleTaskId = up.taskIds[0] ?? "my-task";
  }
  for (const line of howToTrigger(up, exampleTaskId, terminal.style)) terminal.line(line);
  return await untilStopped(stopping);
}

/** Being stopped is how it is meant to end. */
async function untilStopped(stopping: AbortSignal): Promise<number> {
  const never = new Promise<never>(() => undefined);
  return await orStopped(never, stopping).catch((error: unknown) => {
    if (error instanceof StoppedError) return 0;
    throw error;
  });
}
