/** What the tasks wrote down themselves, outside of the platform (`tasks/load.ts`). */
import { existsSync, readFileSync } from "node:fs";

export type Mark = {
  readonly edge: "begin" | "end";
  readonly runId: string;
  readonly attempt: number;
  /** Epoch milliseconds of the machine's clock, which the services share. */
  readonly at: number;
};

/** In the order they were written. */
export function readMarks(file: string): Mark[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [edge, runId = "", attempt, at] = line.split(" ");
      return {
        edge: edge === "begin" ? "begin" : "end",
        runId,
        attempt: Number(attempt),
        at: Number(at),
      };
    });
}
