/**
 * How imports of task files are resolved, so that a folder anywhere on disk works.
 *
 * - The SDK, under both of its names, is the one this agent is made with: it shares the registry and the run's scope
 *   with the code around it. The folder need not have installed it.
 * - A package is loaded from where the importing file finds it, by its absolute path, at run time.
 * - Everything else (relative files, the folder's tsconfig paths, sources of a workspace) is part of the bundle.
 */
import { isBuiltin } from "node:module";
import { sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ImportKind, OnResolveResult, Plugin, PluginBuild } from "esbuild";

const SDK_NAMES: ReadonlySet<string> = new Set([
  "@millrace/sdk",
  "@millrace/sdk/v3",
  "@trigger.dev/sdk",
  "@trigger.dev/sdk/v3",
]);

/** Marks a resolution as the plugin's own question, which it must not answer. */
const ASKED = Symbol("asked");

export const taskImports: Plugin = {
  name: "millrace-task-imports",
  setup(build) {
    const sdk = import.meta.resolve("@millrace/sdk");
    build.onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.pluginData === ASKED || args.kind === "entry-point") return undefined;
      if (SDK_NAMES.has(args.path)) return external(fileURLToPath(sdk), args.kind);
      if (isBuiltin(args.path)) return { path: args.path, external: true };
      return await resolvePackage(build, args);
    });
  },
};

async function resolvePackage(
  build: PluginBuild,
  args: {
    readonly path: string;
    readonly importer: string;
    readonly resolveDir: string;
    readonly kind: ImportKind;
  },
): Promise<OnResolveResult> {
  const { importer, resolveDir, kind } = args;
  const found = await build.resolve(args.path, { importer, resolveDir, kind, pluginData: ASKED });
  if (found.errors.length > 0)
    return {
      errors: [{ text: `"${args.path}" is not installed where ${importer} could import it` }],
    };
  if (found.external) return { path: found.path, external: true };
  const isInstalled = found.path.split(sep).includes("node_modules");
  return isInstalled ? external(found.path, kind) : { path: found.path };
}

/** `require` takes paths, `import` wants a URL where a path has unusual characters. */
function external(path: string, kind: ImportKind): OnResolveResult {
  const isRequired = kind === "require-call" || kind === "require-resolve";
  return { path: isRequired ? path : pathToFileURL(path).href, external: true };
}
