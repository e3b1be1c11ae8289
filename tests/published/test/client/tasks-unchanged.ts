/** Task files that import the published SDK run as they are; the agent brings ours under its name. */
import { runs, tasks } from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import type { everything } from "../../tasks/features.ts";
import { FAST } from "./support.ts";

export function unchangedTasks(): void {
  test("a file that imports @trigger.dev/sdk/v3 does everything it says", async () => {
    const handle = await tasks.trigger<typeof everything>("everything", { name: "ada" });
    const run = await runs.poll(handle, FAST);
    expect(run.error).toBeUndefined();
    expect(run).toMatchObject({
      status: "COMPLETED",
      tags: ["name_ada"],
      metadata: { startedAttempt: 1, steps: 2, log: ["first"], succeeded: true },
      output: {
        runId: handle.id,
        first: { n: 1 },
        again: { n: 1 },
        many: ["a", "b"],
        mixed: [1, 2],
        tried: 2,
        measured: "measured",
        visitor: "middleware",
      },
    });
  });

  test("its children know their parent, and it shows them", async () => {
    const handle = await tasks.trigger<typeof everything>("everything", { name: "bob" });
    const run = await runs.poll(handle, FAST);
    const children = run.relatedRuns.children ?? [];
    expect(children).toHaveLength(5);
    const child = await runs.retrieve(children[0]?.id ?? "");
    expect(child).toMatchObject({
      depth: 1,
      relatedRuns: { parent: { id: handle.id }, root: { id: handle.id } },
    });
    expect(child.relatedRuns.parent?.createdAt).toBeInstanceOf(Date);
  });
}
