import type { Options } from "./src/options.ts";

export type ParsedArguments =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** @param places what relative paths are relative to, and where data is stored without `--data` */
export function readArguments(
  argv: readonly string[],
  places: { readonly cwd: string; readonly defaultDataDir: string },
): ParsedArguments;
