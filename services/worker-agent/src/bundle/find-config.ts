/** Where the configuration of a folder of tasks is. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "@millrace/service-kit";

/** In the order in which they are looked for. */
const NAMES = ["millrace.config", "trigger.config"];
const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];
const FILES: readonly string[] = NAMES.flatMap((name) => EXTENSIONS.map((ext) => name + ext));

export function isConfigFile(path: string): boolean {
  return FILES.includes(basename(path));
}

/**
 * The file that is named, or else the nearest one: in the folder of the tasks, or in one above it that belongs to the
 * same package. An absolute path; undefined when there is none.
 * @throws ConfigError when the named file is not there
 */
export async function findConfig(
  named: string | undefined,
  tasksDir: string | undefined,
): Promise<string | undefined> {
  if (named !== undefined) {
    const path = resolve(named);
    if (await isFile(path)) return path;
    throw new ConfigError(`MILLRACE_CONFIG: ${path} is not a file`);
  }
  if (tasksDir === undefined) return undefined;
  for (const folder of await foldersOfPackage(resolve(tasksDir)))
    for (const file of FILES) if (await isFile(join(folder, file))) return join(folder, file);
  return undefined;
}

/** The folder and those above it, up to its package's; the folder alone when it is in no package. */
async function foldersOfPackage(dir: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (let folder = dir; ; folder = dirname(folder)) {
    folders.push(folder);
    if (await isFile(join(folder, "package.json"))) return folders;
    if (dirname(folder) === folder) return [dir];
  }
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
