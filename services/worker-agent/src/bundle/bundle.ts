/**
 * From task files to modules Node.js can import: TypeScript compiled, local imports bundled and shared between files.
 *
 * A file that does not build is left out and reported; the others are served.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type BuildFailure, type BuildOptions, type Message } from "esbuild";
import type { Entry } from "../process/messages.ts";
import { taskImports } from "./imports.ts";

export type FileProblem = { readonly file: string; readonly error: string };
export type Bundle = {
  readonly entries: readonly Entry[];
  readonly problems: readonly FileProblem[];
};

/** @param files relative to `tasksDir` */
export async function bundleTasks(
  tasksDir: string,
  files: readonly string[],
  outDir: string,
): Promise<Bundle> {
  const problem = await attempt(tasksDir, files, outDir);
  if (problem === undefined) return { entries: entriesOf(files, outDir), problems: [] };
  const problems: FileProblem[] = [];
  for (const file of files) {
    const error = await attempt(tasksDir, [file], undefined);
    if (error !== undefined) problems.push({ file, error });
  }
  const sound = files.filter((file) => !problems.some((each) => each.file === file));
  const rest = sound.length === 0 ? undefined : await attempt(tasksDir, sound, outDir);
  if (rest !== undefined) throw new Error(`The task files do not build together:\n${rest}`);
  return { entries: entriesOf(sound, outDir), problems };
}

/** What is wrong; undefined when nothing is. Writes to `outDir`, if there is one. */
async function attempt(
  tasksDir: string,
  files: readonly string[],
  outDir: string | undefined,
): Promise<string | undefined> {
  try {
    await build({
      ...OPTIONS,
      entryPoints: files.map((file, i) => ({ in: join(tasksDir, file), out: nameOf(i) })),
      absWorkingDir: tasksDir,
      ...(outDir === undefined
        ? { write: false, outdir: join(tasksDir, "out") }
        : { outdir: outDir }),
    });
    return undefined;
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (!errors) throw error;
    return errors.map(describe).join("\n");
  }
}

const OPTIONS = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  outExtension: { ".js": ".mjs" },
  // Node's own conditions: esbuild's default adds one that Node.js does not know at run time.
  conditions: [],
  keepNames: true,
  logLevel: "silent",
  plugins: [taskImports],
} as const satisfies BuildOptions;

const nameOf = (index: number): string => `file-${index}`;

function entriesOf(files: readonly string[], outDir: string): Entry[] {
  return files.map((file, i) => ({
    file,
    url: pathToFileURL(join(outDir, `${nameOf(i)}.mjs`)).href,
  }));
}

function describe({ text, location }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column}: ${text}` : text;
}
