/** `CompleteTaskWithOutput`: a success that is thrown. */

/** The output of one; undefined when something else was thrown. By name: users' bundles may have their own class. */
export function completionOf(thrown: unknown): { readonly output: unknown } | undefined {
  const isCompletion = thrown instanceof Error && thrown.name === "CompleteTaskWithOutput";
  return isCompletion ? { output: "output" in thrown ? thrown.output : undefined } : undefined;
}
