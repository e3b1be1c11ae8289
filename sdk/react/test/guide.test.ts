/** The guide's code compiles, against what the packages give out. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

/** The tasks whose types the guide names. */
const TASKS = `
import { task } from "@millrace/sdk";
export const greet = task({
  id: "greet",
  run: async ({ name }: { name: string }) => ({ greeting: name }),
});
export const write = task({ id: "write", run: async ({ topic }: { topic: string }) => topic });
`;

const CONFIG = {
  compilerOptions: {
    target: "ES2023",
    lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
    module: "ESNext",
    moduleResolution: "Bundler",
    allowImportingTsExtensions: true,
    noEmit: true,
    jsx: "react-jsx",
    strict: true,
    skipLibCheck: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
    types: ["node"],
    paths: {
      "@millrace/sdk": [join(ROOT, "sdk/typescript/dist/index.d.ts")],
      "@millrace/react": [join(ROOT, "sdk/react/dist/index.d.ts")],
      "react/*": [join(ROOT, "node_modules/@types/react/*")],
      react: [join(ROOT, "node_modules/@types/react/index.d.ts")],
    },
  },
};

test("the guide's code compiles", async () => {
  const guide = await readFile(join(ROOT, "docs/react.md"), "utf8");
  const blocks = [...guide.matchAll(/```tsx\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(3);
  const folder = await mkdtemp(join(tmpdir(), "millrace-guide-"));
  try {
    await writeFile(join(folder, "tasks.ts"), TASKS);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(CONFIG));
    for (const [at, code] of blocks.entries())
      await writeFile(join(folder, `block-${at}.tsx`), code);
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const args = [tsc, "-p", folder, "--pretty", "false"];
    const { stdout } = await promisify(execFile)(process.execPath, args).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(stdout).toBe("");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
