/** Importing the task files, and saying which tasks and queues they define, with what the configuration adds. */
import { basename } from "node:path";
import {
  definedConfig,
  definedQueues,
  definedTasks,
  effectiveRetry,
  type DefinedTask,
} from "@millrace/sdk/internal";
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
  for (const { kind, file, url } of entries) {
    onImport(file);
    let isSound = true;
    try {
      const namespace = (await import(url)) as Readonly<Record<string, unknown>>;
      files.push({ file, exports: exportsOf(namespace) });
      if (kind === "config" && !definedConfig())
        throw new Error("It does not call defineConfig(): export default defineConfig({ … })");
    } catch (error) {
      isSound = false;
      errors.push({ file, error: kind === "config" ? messageOf(error) : describe(error) });
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
  const queues = [...definedQueues()];
  return { manifest: { tasks: manifestTasks, queues, errors, ...settingsOf() }, tasks };
}

function settingsOf(): Pick<Manifest, "project" | "withoutEffect" | "folders"> {
  const { project, withoutEffect = [], dirs, ignorePatterns } = definedConfig() ?? {};
  return {
    ...(project === undefined ? {} : { project }),
    ...(withoutEffect.length === 0 ? {} : { withoutEffect: [...withoutEffect] }),
    folders: {
      ...(dirs ? { dirs: [...dirs] } : {}),
      ...(ignorePatterns ? { ignorePatterns: [...ignorePatterns] } : {}),
    },
  };
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
  const config = definedConfig();
  const { id, description, jsonSchema, queue, isolation } = task;
  const { machine = config?.machine, maxDuration = config?.maxDuration } = task;
  const { ttl = config?.ttl } = task;
  const retry = effectiveRetry(task);
  return {
    id,
    filePath,
    isolation,
    ...(description === undefined ? {} : { description }),
    ...(jsonSchema === undefined ? {} : { payloadSchema: plainJson(jsonSchema) }),
    ...(exportName === undefined ? {} : { exportName }),
    ...(queue ? { queue } : {}),
    ...(machine === undefined ? {} : { machine }),
    ...(retry ? { retry } : {}),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
    ...schedulingOf(task),
  };
}

function schedulingOf({
  triggerSource,
  schedule,
}: DefinedTask): Pick<ManifestTask, "triggerSource" | "schedule"> {
  return {
    ...(triggerSource ? { triggerSource } : {}),
    ...(schedule ? { schedule } : {}),
  };
}

/** As it will be read again: nothing but JSON. */
function plainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
