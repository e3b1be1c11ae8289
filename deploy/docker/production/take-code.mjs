/**
 * Copies the built code of the workspaces an image has the manifests of: JavaScript, no sources, declarations or maps.
 *
 * Usage: node take-code.mjs BUILT IMAGE
 */
import { cpSync, readdirSync, readlinkSync } from "node:fs";
import { join, resolve } from "node:path";

const NOT_TAKEN = /\.(d\.ts|map|tsbuildinfo)$/;

const [built, image] = process.argv.slice(2).map((path) => resolve(path));
const scope = join(image, "node_modules", "@millrace");
for (const name of readdirSync(scope)) {
  const workspace = resolve(scope, readlinkSync(join(scope, name))).slice(image.length + 1);
  cpSync(join(built, workspace, "dist"), join(image, workspace, "dist"), {
    recursive: true,
    filter: (path) => !NOT_TAKEN.test(path),
  });
}
