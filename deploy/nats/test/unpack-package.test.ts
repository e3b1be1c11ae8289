import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unpackPackage, unpackWithAr } from "../src/debian/unpack-package.ts";
import { tempDir } from "./temp-dir.ts";

const tools = ["dpkg-deb", "ar"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

async function builtPackage(): Promise<string> {
  const dir = await tempDir();
  await mkdir(join(dir, "files/DEBIAN"), { recursive: true });
  await mkdir(join(dir, "files/usr/sbin"), { recursive: true });
  const control =
    "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.example>\nDescription: x\n";
  await writeFile(join(dir, "files/DEBIAN/control"), control);
  await writeFile(join(dir, "files/usr/sbin/sample"), "content");
  execFileSync("dpkg-deb", ["--build", join(dir, "files"), join(dir, "sample.deb")]);
  return join(dir, "sample.deb");
}

test.skipIf(!tools).each([
  ["dpkg-deb", (path: string, into: string) => unpackPackage(path, into, process.env)],
  [
    "ar and tar",
    (path: string, into: string) =>
      unpackWithAr(path, into, { env: process.env, timeoutMs: 10_000 }),
  ],
])("a package's files, unpacked with %s", async (_name, unpack) => {
  const packagePath = await builtPackage();
  const into = await tempDir();
  expect(await unpack(packagePath, into)).toMatchObject({ status: "succeeded" });
  expect(await readFile(join(into, "usr/sbin/sample"), "utf8")).toBe("content");
});

test.skipIf(!tools)("a file that is no package is refused", async () => {
  const dir = await tempDir();
  await writeFile(join(dir, "broken.deb"), "not a package");
  const outcome = await unpackPackage(join(dir, "broken.deb"), join(dir, "into"), process.env);
  expect(outcome).toMatchObject({ status: "failed" });
});
