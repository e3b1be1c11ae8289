/** From a folder to loaded tasks: found, bundled, imported by the first run process, which stays as the first idle one. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Preset } from "@millrace/proto";
import { ConfigError } from "@millrace/service-kit";
import { stop } from "esbuild";
import type { Entry } from "../process/messages.ts";
import type { RunProcess } from "../process/run-process.ts";
import { ProcessStartError, type Starter } from "../process/starter.ts";
import {
  DuplicateTaskError,
  servedTasks,
  type Problem,
  type Served,
} from "../agent/served-tasks.ts";
import { bundleTasks } from "./bundle.ts";
import { findTaskFiles } from "./find-files.ts";

export type LoadedTasks = { readonly served: Served; readonly process: RunProcess };

/**
 * Files that do not build or load are left out and listed as problems.
 * @param outDir where the bundle is written
 * @throws ConfigError when there is nothing to serve, or two tasks have one id
 */
export async function loadTasks(
  dir: string,
  outDir: string,
  starter: Starter,
  preset: Preset,
): Promise<LoadedTasks> {
  const tasksDir = resolve(dir);
  if (!(await stat(tasksDir).catch(() => undefined))?.isDirectory())
    throw new ConfigError(`MILLRACE_TASKS_DIR: ${tasksDir} is not a folder`);
  const files = await findTaskFiles(tasksDir);
  const bundle = await bundleTasks(tasksDir, files, outDir);
  // Its compiler is a process of its own.
  await stop();
  const { served, process } = await importAll(bundle.entries, starter, preset);
  const problems = [...bundle.problems, ...served.problems];
  if (served.tasks.size === 0) {
    process.kill();
    throw new ConfigError(nothingToServe(tasksDir, files.length, problems));
  }
  return { served: { ...served, problems }, process };
}

/** A file that ends the process that imports it is left out, and the others are tried without it. */
async function importAll(
  entries: readonly Entry[],
  starter: Starter,
  preset: Preset,
): Promise<LoadedTasks> {
  const fatal: Problem[] = [];
  for (;;) {
    const rest = entries.filter(({ file }) => !fatal.some((problem) => problem.file === file));
    starter.serve(rest);
    try {
      const { process, manifest } = await starter.start(preset, false);
      const served = servedTasks(manifest);
      return { process, served: { ...served, problems: [...fatal, ...served.problems] } };
    } catch (error) {
      if (error instanceof DuplicateTaskError) throw new ConfigError(error.message);
      const isFilesFault = error instanceof ProcessStartError && error.importing !== undefined;
      if (!isFilesFault || rest.length === 0) throw error;
      fatal.push({ file: error.importing ?? "", error: error.message });
    }
  }
}

function nothingToServe(dir: string, fileCount: number, problems: readonly Problem[]): string {
  if (fileCount === 0)
    return `MILLRACE_TASKS_DIR: there are no task files (*.ts, *.tsx, *.mts, *.js, *.mjs) in ${dir}`;
  const why = problems.map(({ file, error }) => `\n  ${file}: ${error}`).join("");
  return `MILLRACE_TASKS_DIR: no file in ${dir} defines a task that can be served${why}`;
}
