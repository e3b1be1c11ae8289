/** A document's own lines in a snippet's file: those between `#region snippet` and `#endregion`, in their order. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const FOLDER = join(import.meta.dirname, "../snippets");

/** Ids of the snippets that are here. */
export function snippetIds(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d{3}-\d{2}\.tsx?$/.test(name))
    .map((name) => name.slice(0, 6))
    .toSorted();
}

export function fileOf(id: string): string {
  const page = join(FOLDER, `${id}.tsx`);
  return existsSync(page) ? page : join(FOLDER, `${id}.ts`);
}

/** SHA-256 of the document's lines. Where it has only an ellipsis for the reader's fields, `...given` stands. */
export function hashOf(id: string): string {
  const lines: string[] = [];
  let isInside = false;
  for (const line of readFileSync(fileOf(id), "utf8").split("\n")) {
    if (line === "// #region snippet") isInside = true;
    else if (line === "// #endregion") isInside = false;
    else if (isInside) lines.push(line);
  }
  const text = lines.join("\n").replaceAll("{ ...given }", "{ ... }");
  return createHash("sha256").update(text).digest("hex");
}
