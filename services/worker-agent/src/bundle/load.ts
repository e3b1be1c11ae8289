/**
 * From folders to loaded tasks: found, bundled, imported by the first run process, which stays as the first idle one.
 * The configuration is imported first and what is to be initialised second: they hold for every task.
 */
import { stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import type { Preset } from "@millrace/proto";
import { ConfigError } from "@millrace/service-kit";
import { stop } from "esbuild";
import type { Entry, Manifest } from "../process/messages.ts";
import type { RunProcess } from "../process/run-process.ts";
import { ProcessStartError, type Starter } from "../process/starter.ts";
import {
  DuplicateTaskError,
  servedTasks,
  type Problem,
  type Served,
} from "../agent/served-tasks.ts";
import { bundleTasks, type Source } from "./bundle.ts";
import { findConfig } from "./find-config.ts";
import { findTaskFiles, findTasksFolders, type FoundFiles } from "./find-files.ts";

export type LoadedTasks = { readonly served: Served; readonly process: RunProcess };

export type LoadOptions = {
  /** Where the tasks are; undefined: the configuration says it. */
  readonly tasksDir: string | undefined;
  /** The configuration's file; undefined: it is looked for near the tasks. */
  readonly config: string | undefined;
  /** Where the bundle is written. */
  readonly outDir: string;
  readonly starter: Starter;
  readonly preset: Preset;
};

/**
 * Files that do not build or load are left out and listed as problems.
 * @throws ConfigError when there is nothing to serve, two tasks have one id, or the configuration cannot be used
 */
export async function loadTasks(options: LoadOptions): Promise<LoadedTasks> {
  const { outDir, starter, preset } = options;
  const place = await placeOf(options);
  const { root, files, where } = place;
  const sources: Source[] = [
    ...(place.config === undefined
      ? []
      : [{ kind: "config" as const, file: relative(root, place.config) }]),
    ...files.init.map((file) => ({ kind: "init" as const, file })),
    ...files.tasks.map((file) => ({ kind: "tasks" as const, file })),
  ];
  const bundle = await bundleTasks(root, sources, outDir);
  // Its compiler is a process of its own.
  await stop();
  refuseFoundations(sources, bundle.problems);
  const { served, process } = await importAll(bundle.entries, starter, preset);
  const problems = [...bundle.problems, ...served.problems];
  if (served.tasks.size === 0) {
    process.kill();
    throw new ConfigError(nothingToServe(where, files.tasks.length, problems));
  }
  return { served: { ...served, problems }, process };
}

type Place = {
  /** What paths are relative to. */
  readonly root: string;
  readonly config: string | undefined;
  readonly files: FoundFiles;
  /** The folders, for people. */
  readonly where: string;
};

async function placeOf(options: LoadOptions): Promise<Place> {
  const { tasksDir } = options;
  const config = await findConfig(options.config, tasksDir);
  if (tasksDir !== undefined) {
    const root = resolve(tasksDir);
    await refuseNoFolder("MILLRACE_TASKS_DIR", root);
    const files = await findTaskFiles(root, ["."]);
    return { root, config, files, where: `MILLRACE_TASKS_DIR: ${root}` };
  }
  if (config === undefined)
    throw new ConfigError(
      "Neither MILLRACE_TASKS_DIR nor MILLRACE_CONFIG says where the tasks are",
    );
  const root = dirname(config);
  const { dirs, ignorePatterns } = await foldersOf(config, options);
  const folders = dirs ?? (await findTasksFolders(root));
  for (const dir of folders) await refuseNoFolder(`${config}: dirs`, resolve(root, dir));
  const files = await findTaskFiles(root, folders, ignorePatterns);
  const shown = folders.length === 0 ? "no folder named trigger" : folders.join(", ");
  return { root, config, files, where: `${config}: ${shown}` };
}

/** Asks the configuration, in a process that does nothing else. */
async function foldersOf(
  config: string,
  { outDir, starter, preset }: LoadOptions,
): Promise<Manifest["folders"]> {
  const sources: Source[] = [{ kind: "config", file: relative(dirname(config), config) }];
  const bundle = await bundleTasks(dirname(config), sources, outDir);
  refuseFoundations(sources, bundle.problems);
  const { process, manifest } = await importAll(bundle.entries, starter, preset);
  process.kill();
  return manifest.folders;
}

async function refuseNoFolder(what: string, path: string): Promise<void> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory())
    throw new ConfigError(`${what}: ${path} is not a folder`);
}

type Imported = LoadedTasks & { readonly manifest: Manifest };

/** A file of tasks that ends the process that imports it is left out, and the others are tried without it. */
async function importAll(
  entries: readonly Entry[],
  starter: Starter,
  preset: Preset,
): Promise<Imported> {
  const fatal: Problem[] = [];
  for (;;) {
    const rest = entries.filter(({ file }) => !fatal.some((problem) => problem.file === file));
    starter.serve(rest);
    try {
      const { process, manifest } = await starter.start(preset, false);
      refuseFoundations(entries, manifest.errors);
      const served = servedTasks(manifest);
      return { process, manifest, served: { ...served, problems: [...fatal, ...served.problems] } };
    } catch (error) {
      if (error instanceof DuplicateTaskError) throw new ConfigError(error.message);
      const isFilesFault = error instanceof ProcessStartError && error.importing !== undefined;
      if (!isFilesFault || rest.length === 0) throw error;
      fatal.push({ file: error.importing ?? "", error: error.message });
      refuseFoundations(entries, fatal);
    }
  }
}

/** What everything else rests on is not left out. */
function refuseFoundations(sources: readonly Source[], problems: readonly Problem[]): void {
  for (const { kind, file } of sources) {
    const problem = kind === "tasks" ? undefined : problems.find((each) => each.file === file);
    if (problem) throw new ConfigError(`${file}: ${problem.error}`);
  }
}

function nothingToServe(where: string, fileCount: number, problems: readonly Problem[]): string {
  if (fileCount === 0) return `${where}: there are no task files (*.ts, *.tsx, *.mts, *.js, *.mjs)`;
  const why = problems.map(({ file, error }) => `\n  ${file}: ${error}`).join("");
  return `${where}: no file defines a task that can be served${why}`;
}
