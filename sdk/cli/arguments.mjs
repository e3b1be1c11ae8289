/**
 * The arguments of `npm start`. Plain JavaScript: `start.mjs` reads them before anything has been built, so that a
 * wrong one is told at once and not after an installation.
 */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `Usage: npm start -- [options]

Starts Millrace on this machine: a broker, the services, and a demo shown live.
It stays up until Ctrl-C, which stops everything it started.

  --once         exit after the demo, with its status
  --tasks DIR    serve the tasks of this folder instead of running the demo
  --port N       the gateway's port; 0 picks a free one (default: 3030, or the next free one)
  --data DIR     where everything is stored (default: .millrace)
  --help         show this

MILLRACE_NATS_URL: use this broker instead of starting one.
MILLRACE_NATS_SERVER: the nats-server program to start.`;

const OPTIONS = {
  once: { type: "boolean" },
  tasks: { type: "string" },
  port: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
};

const HIGHEST_PORT = 65_535;

/** @type {typeof import("./arguments.d.mts").readArguments} */
export function readArguments(argv, { cwd, defaultDataDir }) {
  let values;
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true }));
  } catch (error) {
    // Its first sentence says what is wrong; the others advise about syntax nobody asked for.
    return refused(error.message.split(/\. |\n/)[0]);
  }
  if (values.help) return { kind: "help" };
  const empty = Object.keys(values).find((name) => values[name] === "");
  if (empty !== undefined) return refused(`--${empty} needs a value`);

  const { port, once = false } = values;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= HIGHEST_PORT))
    return refused(`--port must be a number from 0 to ${HIGHEST_PORT}, not "${port}"`);
  const tasksDir = values.tasks === undefined ? null : resolve(cwd, values.tasks);
  if (tasksDir !== null && kindOf(tasksDir) !== "folder")
    return refused(`--tasks: there is no folder ${tasksDir}`);
  if (tasksDir !== null && once)
    return refused("--once ends after the demo, and --tasks runs none: use one of them");
  const dataDir = values.data === undefined ? defaultDataDir : resolve(cwd, values.data);
  if (kindOf(dataDir) === "other") return refused(`--data: ${dataDir} is not a folder`);

  return {
    kind: "run",
    options: { once, tasksDir, port: port === undefined ? null : Number(port), dataDir },
  };
}

function refused(message) {
  return { kind: "error", message };
}

function kindOf(path) {
  try {
    return statSync(path).isDirectory() ? "folder" : "other";
  } catch {
    return "nothing";
  }
}
