/**
 * What tasks did, as they saw it themselves: each run appends a line when its code begins and one when it ends, to a
 * file of the test's. Lines are short, so appends are atomic also between processes and over kills.
 */
import { existsSync, readFileSync } from "node:fs";

export type Mark = { readonly runId: string; readonly edge: "begin" | "end"; readonly at: number };

export function readMarks(file: string): Mark[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [edge, runId, at] = line.split(" ");
      return { edge: edge as Mark["edge"], runId: runId ?? "", at: Number(at) };
    });
}

/**
 * The most runs that were in their code at once. A run that began and never ended (it was killed) counts until it
 * begins again or until `killedAt`.
 */
export function overlap(marks: readonly Mark[], killedAt: readonly number[] = []): number {
  const running = new Set<string>();
  let most = 0;
  let kills = [...killedAt];
  for (const { edge, runId, at } of marks) {
    if (kills.some((kill) => kill < at)) {
      running.clear();
      kills = kills.filter((kill) => kill >= at);
    }
    if (edge === "begin") running.add(runId);
    else running.delete(runId);
    most = Math.max(most, running.size);
  }
  return most;
}
