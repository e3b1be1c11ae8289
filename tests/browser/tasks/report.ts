/** What the page triggers and follows: task files of the published SDK, unchanged. */
import { existsSync } from "node:fs";
import { metadata, streams, task, wait } from "@trigger.dev/sdk";

const lines = streams.define<string>({ id: "lines" });

type Report = {
  readonly steps: number;
  readonly everyMs: number;
  /** Instead of after its steps it ends when this file is there. */
  readonly endFile?: string;
};

/** Says how far it is, and a line at each step. */
export const report = task({
  id: "report",
  machine: "micro",
  run: async ({ steps, everyMs, endFile }: Report) => {
    metadata.set("progress", 0);
    let told = 0;
    const goesOn = (): boolean => (endFile === undefined ? told < steps : !existsSync(endFile));
    const { waitUntilComplete } = lines.pipe(
      (async function* () {
        while (goesOn()) {
          await new Promise((resolve) => setTimeout(resolve, everyMs));
          yield `line ${++told}`;
          metadata.set("progress", Math.min(99, Math.floor((told * 100) / steps)));
        }
      })(),
    );
    await waitUntilComplete();
    metadata.set("progress", 100);
    return `${told} lines`;
  },
});

export const approval = task({
  id: "approval",
  machine: "micro",
  run: async ({ tokenId }: { tokenId: string }) => {
    const { by } = await wait.forToken<{ by: string }>(tokenId).unwrap();
    return `approved by ${by}`;
  },
});

export const double = task({
  id: "double",
  machine: "micro",
  run: async (n: number) => 2 * n,
});
