/**
 * The arguments of `npm start`. Plain JavaScript: `start.mjs` reads them before anything has been built, so that a
 * wrong one is told at once and not after an installation.
 */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `Usage: npm start -- [options]

Starts Millrace on this machine: a broker, the services, and a demo shown live.
It stays up until Ctrl-C, which stops everything it started.

  --once         exit after the demo, with its status
  --tasks DIR    serve the tasks of this folder instead of running the demo
  --port N       the gateway's port; 0 picks a free one (default: 3030, or the next free one)
  --data DIR     where everything is stored (default: .millrace)
  --durability D when what is acknowledged is on the disk: fast (default) or strict,
                 which also survives a power failure and is slower
  --help         show this

MILLRACE_DURABILITY: the same as --durability.
MILLRACE_NATS_URL: use this broker instead of starting one.
MILLRACE_NATS_SERVER: the nats-server program to start.`;

const OPTIONS = {
  once: { type: "boolean" },
  tasks: { type: "string" },
  port: { type: "string" },
  data: { type: "string" },
  durability: { type: "string" },
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
    return { kind: "error", message: error.message.split(/\. |\n/)[0] };
  }
  if (values.help) return { kind: "help", text: USAGE };
  const message = problemWith(values, cwd);
  if (message !== undefined) return { kind: "error", message };
  const { once, tasks, port, data, durability } = values;
  return {
    kind: "run",
    options: {
      once: once ?? false,
      tasksDir: tasks === undefined ? null : resolve(cwd, tasks),
      port: port === undefined ? null : Number(port),
      dataDir: data === undefined ? defaultDataDir : resolve(cwd, data),
      durability: durability ?? null,
    },
  };
}

/**
 * @param {{ once?: boolean, tasks?: string, port?: string, data?: string, durability?: string }} values
 * @param {string} cwd
 * @returns {string | undefined}
 */
function problemWith({ once, tasks, port, data, durability }, cwd) {
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= HIGHEST_PORT))
    return `--port must be a number from 0 to ${HIGHEST_PORT}, not "${port}"`;
  // An empty path would mean the present folder.
  if (tasks === "" || (tasks !== undefined && kindOf(resolve(cwd, tasks)) !== "folder"))
    return `--tasks: there is no folder "${tasks}"`;
  if (tasks !== undefined && once)
    return "--once ends after the demo, and --tasks runs none: use one of them";
  if (data === "" || (data !== undefined && kindOf(resolve(cwd, data)) === "other"))
    return `--data: "${data}" is not a folder`;
  if (durability !== undefined && durability !== "fast" && durability !== "strict")
    return `--durability must be fast or strict, not "${durability}"`;
  return undefined;
}

function kindOf(path) {
  try {
    return statSync(path).isDirectory() ? "folder" : "other";
  } catch {
    return "nothing";
  }
}
