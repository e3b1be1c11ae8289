/** A run process: calls its agent, loads the tasks, executes what it is given. Wiring only. */
import { createRequire } from "node:module";
import { runErrorOf } from "@millrace/sdk/internal";
import { captureOutput } from "./capture.ts";
import { connectAgent } from "./connection.ts";
import { Executor } from "./executor.ts";
import { importEntries } from "./manifest.ts";
import { Tracing } from "./tracing.ts";
import type { ToProcess } from "../process/messages.ts";

const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;

const socketPath = process.env["MILLRACE_AGENT_SOCKET"] ?? "";
const token = process.env["MILLRACE_PROCESS_TOKEN"] ?? "";
// Users' code starts processes, too: they are not to call the agent.
delete process.env["MILLRACE_AGENT_SOCKET"];
delete process.env["MILLRACE_PROCESS_TOKEN"];

// Bundled CommonJS modules ask for Node's own modules with it.
Object.assign(globalThis, { require: createRequire(import.meta.url) });

const link = connectAgent(socketPath, token, (message) => receive(message));
/** Whoever says more than the agent reads loses lines and spans instead of filling the memory. */
const isBehind = (): boolean => link.backlog > MAX_BACKLOG_BYTES;
captureOutput({
  onOutside: (level, message) => link.send({ type: "printed", level, message }),
  isBehind,
});

const executor = new Executor((message) => link.send(message), new Tracing(isBehind));

function receive(message: ToProcess): void {
  if (message.type === "load") void load(message);
  else executor.receive(message);
}

async function load({ entries, machines }: Extract<ToProcess, { type: "load" }>): Promise<void> {
  const { manifest, tasks } = await importEntries(entries, (file) => {
    link.send({ type: "importing", file });
    link.flush();
  });
  executor.serve(tasks, machines);
  link.send({ type: "loaded", manifest });
}

/** What nobody caught ends the process: it is not known what it left behind. */
function crash(thrown: unknown): void {
  const error = runErrorOf(thrown);
  const { message, stackTrace } =
    error.type === "BUILT_IN_ERROR" ? error : { message: String(thrown), stackTrace: undefined };
  link.send({
    type: "crashed",
    error: {
      type: "INTERNAL_ERROR",
      code: "TASK_RUN_UNCAUGHT_EXCEPTION",
      message,
      ...(stackTrace === undefined ? {} : { stackTrace }),
    },
  });
  link.flush();
  setTimeout(() => process.exit(1), 20);
}
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
// Code may end the process itself: what it said before is said.
process.on("exit", () => link.flush());
