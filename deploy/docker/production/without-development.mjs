/**
 * Takes the development dependencies out of every package.json below a folder, so that `npm ci --workspace` installs what
 * one service needs and links no workspace that only its tests use.
 *
 * Usage: node without-development.mjs FOLDER
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = "."] = process.argv.slice(2);

for (const path of readdirSync(folder, { recursive: true })) {
  if (!/(^|\/)package\.json$/.test(path) || path.includes("node_modules/")) continue;
  const file = join(folder, path);
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify(manifest, null, 2));
}
