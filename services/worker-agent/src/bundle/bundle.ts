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

/** A file to bundle, relative to the root, and what it is to the others. */
export type Source = Pick<Entry, "kind" | "file">;
export type FileProblem = { readonly file: string; readonly error: string };
export type Bundle = {
  readonly entries: readonly Entry[];
  readonly problems: readonly FileProblem[];
};

export async function bundleTasks(
  root: string,
  sources: readonly Source[],
  outDir: string,
): Promise<Bundle> {
  const problem = await attempt(root, sources, outDir);
  if (problem === undefined) return { entries: entriesOf(sources, outDir), problems: [] };
  const problems: FileProblem[] = [];
  for (const source of sources) {
    const error = await attempt(root, [source], undefined);
    if (error !== undefined) problems.push({ file: source.file, error });
  }
  const sound = sources.filter(({ file }) => !problems.some((each) => each.file === file));
  const rest = sound.length === 0 ? undefined : await attempt(root, sound, outDir);
  if (rest !== undefined) throw new Error(`The task files do not build together:\n${rest}`);
  return { entries: entriesOf(sound, outDir), problems };
}

/** What is wrong; undefined when nothing is. Writes to `outDir`, if there is one. */
async function attempt(
  root: string,
  sources: readonly Source[],
  outDir: string | undefined,
): Promise<string | undefined> {
  try {
    await build({
      ...OPTIONS,
      entryPoints: sources.map(({ file }, i) => ({ in: join(root, file), out: nameOf(i) })),
      absWorkingDir: root,
      ...(outDir === undefined ? { write: false, outdir: join(root, "out") } : { outdir: outDir }),
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

function entriesOf(sources: readonly Source[], outDir: string): Entry[] {
  return sources.map(({ kind, file }, i) => ({
    kind,
    file,
    url: pathToFileURL(join(outDir, `${nameOf(i)}.mjs`)).href,
  }));
}

function describe({ text, location }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column}: ${text}` : text;
}
