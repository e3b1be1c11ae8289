/**
 * `npm start`: Millrace on one machine, also on a fresh clone.
 *
 * Plain JavaScript on Node's own modules, because it runs before anything is installed or built: it checks Node, reads
 * the arguments, installs, builds, and hands over to `sdk/cli` in this same process.
 */
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MINIMUM_NODE = [20, 19];
const USAGE_ERROR = 2;

const root = dirname(fileURLToPath(import.meta.url));
const inRoot = (...path) => join(root, ...path);

function fail(status, message) {
  console.error(message);
  process.exit(status);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = MINIMUM_NODE;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  fail(1, `Millrace needs Node.js ${MINIMUM_NODE.join(".")} or newer; this is ${process.version}.`);
}

/** Imported late: an older Node could not even load it, and would not get to say why. */
async function readOptions() {
  const { readArguments } = await import("./sdk/cli/arguments.mjs");
  // npm runs scripts in the package's folder; relative paths mean the folder it was called in.
  const byNpm = process.env.npm_lifecycle_event === "start" && process.env.INIT_CWD;
  const parsed = readArguments(process.argv.slice(2), {
    cwd: byNpm || process.cwd(),
    defaultDataDir: inRoot(".millrace"),
  });
  if (parsed.kind === "help") {
    console.log(parsed.text);
    process.exit(0);
  }
  if (parsed.kind === "error") fail(USAGE_ERROR, `${parsed.message}\nSee: npm start -- --help`);
  return parsed.options;
}

/** The step that is running, for a signal to end. */
let step;
let interrupted = false;

function interrupt() {
  interrupted = true;
  if (step) step.kill("SIGTERM");
  else process.exit(130);
}

/** Runs a command of this repository; its output is shown only when it fails. */
async function run(what, command, args) {
  const output = [];
  step = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    // Windows has npm as a batch file.
    shell: process.platform === "win32" && command === "npm",
  });
  step.stdout.on("data", (chunk) => output.push(chunk));
  step.stderr.on("data", (chunk) => output.push(chunk));
  const status = await new Promise((resolve) => {
    step.once("error", (error) => resolve(error.message));
    step.once("close", resolve);
  });
  step = undefined;
  if (interrupted) process.exit(130);
  if (status !== 0)
    fail(1, `${Buffer.concat(output).toString()}\n${what} failed (${status ?? "killed"}).`);
}

/** npm writes the inner lock file last: older than the outer one, or missing, it tells of an install to be done. */
function isInstalled() {
  const done = inRoot("node_modules", ".package-lock.json");
  return (
    existsSync(done) && statSync(done).mtimeMs >= statSync(inRoot("package-lock.json")).mtimeMs
  );
}

async function install() {
  if (isInstalled()) return;
  console.log("Installing packages (npm ci) …");
  const npm = process.env.npm_execpath;
  const flags = ["ci", "--no-audit", "--no-fund"];
  // The npm that runs this script, whatever else is on PATH; it may also be another package manager.
  if (npm && /npm-cli\.[cm]?js$/.test(npm)) await run("npm ci", process.execPath, [npm, ...flags]);
  else await run("npm ci", "npm", flags);
}

async function build() {
  if (!existsSync(inRoot("sdk", "cli", "dist", "main.js"))) console.log("Building …");
  const tsc = inRoot("node_modules", "typescript", "bin", "tsc");
  await run("The build (tsc -b)", process.execPath, [tsc, "-b"]);
}

checkNode();
const options = await readOptions();
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);
await install();
await build();
const { main } = await import("./sdk/cli/dist/main.js");
process.off("SIGINT", interrupt);
process.off("SIGTERM", interrupt);
process.exit(await main(options));
