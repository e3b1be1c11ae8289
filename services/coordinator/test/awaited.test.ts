/** Runs that others wait for, too, although they did not trigger them. */
import { OBJECT_BUCKETS, RUNS, runSubject, type RunEvent } from "@millrace/proto";
import { openBlobs } from "@millrace/service-kit";
import { describe, expect, test } from "vitest";
import { sleep, until } from "@millrace/harness";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
import { Platform } from "./platform.ts";

type Setting = {
  readonly platform: Platform;
  readonly parent: string;
  /** What the parent got. */
  readonly results: unknown[];
  readonly child: string;
  readonly childRuns: ClaimedRun[];
};

/** A child that executes, and a parent that waits for it and that it does not know. */
async function onPlatform(use: (setting: Setting) => Promise<void>): Promise<void> {
  const platform = await Platform.start();
  try {
    await platform.queue("parents", null);
    await platform.queue("children", null);
    const results: unknown[] = [];
    const childRuns: ClaimedRun[] = [];
    const child = platform.newRunId("children");
    await FakeAgent.join(platform, "parents", {
      work: async (run) => {
        results.push(...(await run.waitFor([child])));
        await run.succeed();
      },
    });
    await FakeAgent.join(platform, "children", {
      work: async (run) => {
        childRuns.push(run);
      },
    });
    await platform.triggerAs(child, "children");
    const parent = await platform.trigger("parents");
    await use({ platform, parent, results, child, childRuns });
  } finally {
    await platform.stop();
  }
}

async function wait({ platform, parent, child }: Setting): Promise<void> {
  await platform.tell(child, "client", "run-awaited", {
    at: Date.now(),
    parentRunId: parent,
    waitIndex: 0,
    childIndex: 0,
  });
}

function told({ platform, parent }: Setting): RunEvent[] {
  return platform.ledger.of(parent).filter((event) => event.type === "child-finished");
}

describe.concurrent("a run that somebody else waits for tells them its result", () => {
  test("when it ends", () =>
    onPlatform(async (setting) => {
      const { platform, parent, child, childRuns, results } = setting;
      const coordinator = await platform.coordinator();
      await platform.untilStatus(parent, "waiting");
      await wait(setting);
      await wait(setting);
      await until("the child executes", () => childRuns.length === 1);
      await childRuns[0]?.succeed('"for both"');
      await platform.untilFinished([parent, child]);
      expect(results).toMatchObject([{ ok: true, id: child, output: '"for both"' }]);
      await sleep(50);
      expect(told(setting)).toHaveLength(1);
      await coordinator.stop();
    }));

  test("when it has ended and is forgotten, also when they ask twice", () =>
    onPlatform(async (setting) => {
      const { platform, parent, child, childRuns, results } = setting;
      const coordinator = await platform.coordinator();
      await until("the child executes", () => childRuns.length === 1);
      await childRuns[0]?.fail();
      await platform.untilFinished([child]);
      await platform.untilStatus(parent, "waiting");
      await sleep(50);
      await wait(setting);
      await platform.untilFinished([parent]);
      expect(results).toMatchObject([{ ok: false, id: child, error: { raw: "boom" } }]);
      await wait(setting);
      await until("they are told again", () => told(setting).length >= 2);
      expect(platform.ledger.state(parent)).toMatchObject({ outcome: "completed" });
      await coordinator.stop();
    }));

  test.each(["from a snapshot", "from the whole log"])(
    "when they asked while nobody led, and the leader begins %s",
    (from) =>
      onPlatform(async (setting) => {
        const { platform, parent, child, childRuns, results } = setting;
        const first = await platform.coordinator();
        await until("the child executes", () => childRuns.length === 1);
        await childRuns[0]?.succeed('"late"');
        await platform.untilStatus(parent, "waiting");
        await platform.untilFinished([child]);
        await sleep(50);
        await first.stop();
        if (from === "from the whole log") {
          const blobs = await openBlobs(platform.nc, OBJECT_BUCKETS.snapshots.name, 1);
          for (let shard = 0; shard < 16; shard++)
            await blobs.put(`shard-${shard.toString(16)}`, new Uint8Array([0xc1]));
        }
        await wait(setting);
        const second = await platform.coordinator();
        await platform.untilFinished([parent]);
        expect(results).toMatchObject([{ ok: true, output: '"late"' }]);
        await second.stop();
      }),
  );

  test("when it ended while nobody led, and they had asked before", () =>
    onPlatform(async (setting) => {
      const { platform, parent, childRuns, results } = setting;
      const first = await platform.coordinator();
      await until("the child executes", () => childRuns.length === 1);
      await platform.untilStatus(parent, "waiting");
      await wait(setting);
      await first.stop();
      await childRuns[0]?.succeed('"meanwhile"');
      const second = await platform.coordinator();
      await platform.untilFinished([parent]);
      expect(results).toMatchObject([{ ok: true, output: '"meanwhile"' }]);
      await second.stop();
    }));

  test("and of a run that never was nothing is told, and that is said", () =>
    onPlatform(async (setting) => {
      const { platform } = setting;
      const coordinator = await platform.coordinator();
      const unknown = platform.newRunId("children");
      await wait({ ...setting, child: unknown });
      await until("it is said", () =>
        coordinator.log.some(({ fields }) => JSON.stringify(fields).includes(unknown)),
      );
      const { state } = await platform.jsm.streams.info(RUNS.name, {
        subjects_filter: runSubject("dev", setting.parent, "coordinator"),
      });
      expect(state.subjects).toBeUndefined();
      await coordinator.stop();
    }));
});
