/**
 * Copies what `npm ci` has just installed into an image's folder: packages without TypeScript and source maps, and the
 * manifests of the workspaces that are linked.
 *
 * Usage: node take-packages.mjs INSTALLED IMAGE
 */
import { cpSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** For compilers and debuggers; and the binaries for a C library that the image does not have. */
const NOT_TAKEN = /\.([cm]?tsx?|map|tsbuildinfo)$|^.*\/node_modules\/@[^/]+\/[^/]+-musl$/;

const [installed, image] = process.argv.slice(2).map((path) => resolve(path));
const options = {
  recursive: true,
  verbatimSymlinks: true,
  filter: (path) => !NOT_TAKEN.test(path),
};

cpSync(join(installed, "node_modules"), join(image, "node_modules"), options);
const scope = join(installed, "node_modules", "@millrace");
for (const name of readdirSync(scope)) {
  const link = join(scope, name);
  if (!lstatSync(link).isSymbolicLink()) continue;
  const workspace = resolve(scope, readlinkSync(link)).slice(installed.length + 1);
  const target = join(image, workspace);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(installed, workspace), target, options);
}
