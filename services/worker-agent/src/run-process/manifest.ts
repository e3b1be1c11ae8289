/** Importing the task files, and saying which tasks and queues they define. */
import { basename } from "node:path";
import { definedQueues, definedTasks, type DefinedTask } from "@millrace/sdk/internal";
import type { Entry, Manifest, ManifestTask } from "../process/messages.ts";

export type ImportedTask = { readonly task: DefinedTask; readonly filePath: string };

type ImportedFile = { readonly file: string; readonly exports: ReadonlyMap<unknown, string> };

/**
 * Imports the files one after another; one that throws is reported, and what only it has defined is left out.
 * @param onImport called before each import: a file may end the process
 */
export async function importEntries(
  entries: readonly Entry[],
  onImport: (file: string) => void,
): Promise<{ readonly manifest: Manifest; readonly tasks: readonly ImportedTask[] }> {
  const files: ImportedFile[] = [];
  const errors: Manifest["errors"] = [];
  /** The file that was being imported when a task was defined; undefined when that import failed. */
  const definedIn = new Map<DefinedTask, string | undefined>();
  for (const { file, url } of entries) {
    onImport(file);
    let isSound = true;
    try {
      const namespace = (await import(url)) as Readonly<Record<string, unknown>>;
      files.push({ file, exports: exportsOf(namespace) });
    } catch (error) {
      isSound = false;
      errors.push({ file, error: describe(error) });
    }
    for (const task of definedTasks())
      if (!definedIn.has(task)) definedIn.set(task, isSound ? file : undefined);
  }
  const tasks: ImportedTask[] = [];
  const manifestTasks: ManifestTask[] = [];
  for (const task of definedTasks()) {
    const exporter = exporterOf(files, task.handle);
    const filePath = exporter?.file ?? definedIn.get(task);
    if (filePath === undefined) continue;
    tasks.push({ task, filePath });
    manifestTasks.push(manifestTaskOf(task, filePath, exporter?.exports.get(task.handle)));
  }
  return { manifest: { tasks: manifestTasks, queues: [...definedQueues()], errors }, tasks };
}

function exportsOf(namespace: Readonly<Record<string, unknown>>): ReadonlyMap<unknown, string> {
  return new Map(Object.entries(namespace).map(([name, value]) => [value, name]));
}

/** A file that collects the exports of others is not where a task lives. */
function exporterOf(files: readonly ImportedFile[], handle: object): ImportedFile | undefined {
  const exporters = files.filter(({ exports }) => exports.has(handle));
  return exporters.find(({ file }) => !basename(file).startsWith("index.")) ?? exporters[0];
}

function manifestTaskOf(
  task: DefinedTask,
  filePath: string,
  exportName: string | undefined,
): ManifestTask {
  const { id, queue, machine, isolation, retry, maxDuration, ttl } = task;
  return {
    id,
    filePath,
    isolation,
    ...(exportName === undefined ? {} : { exportName }),
    ...(queue ? { queue } : {}),
    ...(machine === undefined ? {} : { machine }),
    ...(retry ? { retry } : {}),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
