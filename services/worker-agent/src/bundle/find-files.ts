/** The task files of folders: every TypeScript and JavaScript module that is not a test, a declaration or configuration. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, normalize, sep } from "node:path";
import { isConfigFile } from "./find-config.ts";
import { matcherOf } from "./globs.ts";

const SOURCE = /\.(ts|tsx|mts|js|mjs)$/;
const NOT_A_TASK_FILE = /(\.(test|spec)\.[a-z]+|\.d\.m?ts)$/;
const INIT = /^init\.(ts|mts|js|mjs)$/;
/** v4's name for folders of tasks. */
const TASKS_FOLDER = "trigger";

/** Relative to the root, sorted. `init`: those that are imported before the others. */
export type FoundFiles = { readonly init: readonly string[]; readonly tasks: readonly string[] };

/**
 * @param dirs relative to `root`
 * @param ignorePatterns matched with paths relative to `root`
 * @throws when a folder cannot be read
 */
export async function findTaskFiles(
  root: string,
  dirs: readonly string[],
  ignorePatterns: readonly string[] = [],
): Promise<FoundFiles> {
  const isIgnored = matcherOf(ignorePatterns);
  const found = new Set<string>();
  for (const dir of dirs)
    await visit(root, normalize(dir), (path) => {
      if (isTaskFile(path) && !isIgnored(path.split(sep).join("/"))) found.add(path);
    });
  const tops = new Set(dirs.map((dir) => normalize(dir)));
  const files = [...found].toSorted();
  const isInit = (path: string): boolean => INIT.test(basename(path)) && tops.has(dirname(path));
  return { init: files.filter(isInit), tasks: files.filter((path) => !isInit(path)) };
}

/** Folders with v4's name for them, anywhere below. */
export async function findTasksFolders(root: string): Promise<string[]> {
  const folders: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      if (!entry.isDirectory() || isForeign(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.name === TASKS_FOLDER) folders.push(path);
      else await look(path);
    }
  };
  await look("");
  return folders.toSorted();
}

/** Folders that are not ours and links to folders are not entered. */
async function visit(root: string, folder: string, onFile: (path: string) => void): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!isForeign(entry.name)) await visit(root, path, onFile);
    } else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileAt(join(root, path)))))
      onFile(path);
  }
}

function isTaskFile(path: string): boolean {
  return SOURCE.test(path) && !NOT_A_TASK_FILE.test(path) && !isConfigFile(path);
}

function isForeign(folder: string): boolean {
  return folder === "node_modules" || folder.startsWith(".");
}

async function isFileAt(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
