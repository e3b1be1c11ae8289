/** Which npm packages a project has installed. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * The folders of all packages under `root/node_modules`: scoped ones and those nested in other packages, too. Links are
 * left out: what they lead to is a workspace's own code, or is found where it really is.
 */
export async function installedPackages(root: string): Promise<string[]> {
  const found: string[] = [];
  const searches = [join(root, "node_modules")];
  for (let dir = searches.pop(); dir !== undefined; dir = searches.pop()) {
    for (const name of await foldersIn(dir)) {
      // Tools keep their caches beside the packages, under names no package may have.
      if (name.startsWith(".") || name.startsWith("_")) continue;
      const path = join(dir, name);
      if (name.startsWith("@")) searches.push(path);
      else if (await hasManifest(path)) {
        found.push(path);
        searches.push(join(path, "node_modules"));
      }
    }
  }
  return found.toSorted();
}

/** None when there is no such folder. */
async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function hasManifest(dir: string): Promise<boolean> {
  return (await readdir(dir).catch((): string[] => [])).includes("package.json");
}
