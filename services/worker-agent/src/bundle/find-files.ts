/** The task files of a folder: every TypeScript and JavaScript module that is not a test or a declaration. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const SOURCE = /\.(ts|tsx|mts|js|mjs)$/;
const NOT_A_TASK_FILE = /(\.(test|spec)\.[a-z]+|\.d\.m?ts)$/;

/**
 * Paths relative to `dir`, sorted. `node_modules`, folders whose names begin with a dot and links to folders are not
 * entered.
 * @throws when the folder cannot be read
 */
export async function findTaskFiles(dir: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "node_modules" && !entry.name.startsWith(".")) await visit(path);
      } else if (SOURCE.test(entry.name) && !NOT_A_TASK_FILE.test(entry.name)) {
        const isFile =
          entry.isFile() || (entry.isSymbolicLink() && (await isFileAt(join(dir, path))));
        if (isFile) files.push(path);
      }
    }
  };
  await visit("");
  return files.toSorted();
}

async function isFileAt(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
