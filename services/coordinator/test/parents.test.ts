/** Parents that wait for their children. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "@millrace/harness";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
import { Platform, type Coordinator } from "./platform.ts";

let platform: Platform;
let coordinator: Coordinator;
let pools = 0;

beforeAll(async () => {
  platform = await Platform.start();
  coordinator = await platform.coordinator();
});
afterAll(async () => {
  await coordinator.stop();
  await platform.stop();
});

/** A queue without a limit, and the pool of its agents, of its own for each test. */
async function queue(): Promise<string> {
  const name = `q${pools++}`;
  await platform.queue(name, null);
  return name;
}

describe("a parent", () => {
  /** A parent that waits for its children, which nobody executes yet. */
  async function family(count: number): Promise<{
    readonly parent: string;
    readonly children: readonly string[];
    readonly childPool: string;
    readonly agent: FakeAgent;
    readonly results: unknown[];
  }> {
    const [pool, childPool] = [await queue(), await queue()];
    const children = Array.from({ length: count }, () => platform.newRunId(childPool));
    const results: unknown[] = [];
    const agent = await FakeAgent.join(platform, pool, {
      work: async (run) => {
        results.push(...(await run.waitFor(children)));
        await run.succeed();
      },
    });
    const parent = await platform.trigger(pool);
    await platform.untilStatus(parent, "waiting");
    for (const [childIndex, child] of children.entries())
      await platform.triggerAs(child, childPool, {
        parent: { runId: parent, waitIndex: 0, childIndex },
      });
    return { parent, children, childPool, agent, results };
  }

  test("waits for two children and gets both results, each once", async () => {
    const { parent, children, childPool, agent, results } = await family(2);
    await FakeAgent.join(platform, childPool, {
      work: (run) => (run.runId === children[0] ? run.succeed('"one"') : run.fail()),
    });
    await platform.untilFinished([parent]);
    expect(results).toMatchObject([
      { ok: true, id: children[0], output: '"one"' },
      { ok: false, id: children[1], error: { raw: "boom" } },
    ]);
    const told = platform.ledger.types(parent).filter((type) => type === "child-finished");
    expect(told).toHaveLength(2);
    expect(agent.signals.map((signal) => signal.kind)).toEqual(["resume"]);
  });

  test("waits until the last of many children", async () => {
    const { parent, children, childPool, results } = await family(30);
    await FakeAgent.join(platform, childPool);
    await platform.untilFinished([parent, ...children]);
    expect(results).toHaveLength(30);
    expect(results).not.toContain(null);
  });

  test("that is cancelled takes the children nobody else waits for with it", async () => {
    const { parent, children, childPool } = await family(3);
    const [done, executing, waiting] = children;
    await FakeAgent.join(platform, childPool, {
      capacity: 2,
      work: async (run) => {
        if (run.runId === done) await run.succeed();
        else {
          await run.canceled;
          await run.cancel();
        }
      },
    });
    await until("one is done", () => platform.ledger.types(parent).includes("child-finished"));
    await platform.cancel(parent);
    await platform.untilFinished([parent, ...children]);
    const outcomes = [done, executing, waiting].map((id) => platform.ledger.state(id ?? ""));
    expect(outcomes).toMatchObject([
      { outcome: "completed" },
      { outcome: "canceled" },
      { outcome: "canceled" },
    ]);
  });

  test("is told of a failure when a result is too large for its log, and other runs go on", async () => {
    const { parent, children, childPool, results } = await family(1);
    // As much as a message holds: with what its parent is told beside it, it is too much.
    const output = "x".repeat(8 * 1024 * 1024);
    const succeed = async (run: ClaimedRun, bytes: number): Promise<void> => {
      await run.succeed(output.slice(0, bytes)).catch(() => succeed(run, bytes - 8));
    };
    await FakeAgent.join(platform, childPool, {
      work: (run) =>
        run.runId === children[0] ? succeed(run, output.length - 100) : run.succeed(),
    });
    await platform.untilFinished([parent, ...children, await platform.trigger(childPool)]);
    expect(platform.ledger.state(children[0] ?? "")).toMatchObject({ outcome: "completed" });
    expect(results).toMatchObject([{ ok: false, error: { code: "TASK_OUTPUT_ERROR" } }]);
  });
});
