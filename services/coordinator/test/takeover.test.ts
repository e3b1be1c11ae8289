/** Shards change hands: gracefully, after a crash, and while things happen that nobody leads. */
import {
  BUCKETS,
  DISPATCH,
  LEASE_KEYS,
  OBJECT_BUCKETS,
  RUNS,
  SHARD_COUNT,
  shardOfQueue,
} from "@millrace/proto";
import { Bucket, leaseRecordSchema, openBlobs, type Blobs } from "@millrace/service-kit";
import { describe, expect, test } from "vitest";
import { sleep, until, Wire } from "@millrace/harness";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
import { Platform } from "./platform.ts";

/** Tests here wait for leases to end: they do it side by side, each with a broker of its own. */
async function onPlatform(use: (platform: Platform) => Promise<void>): Promise<void> {
  const platform = await Platform.start();
  try {
    await use(platform);
  } finally {
    await platform.stop();
  }
}

describe.concurrent("several coordinators", () => {
  test("share the shards, and take over from one that stops at once", () =>
    onPlatform(async (platform) => {
      await platform.queue("q", null);
      await FakeAgent.join(platform, "q");
      const first = await platform.coordinator();
      await until("the first leads all", () => first.leadership.shards.length === SHARD_COUNT);
      const second = await platform.coordinator();
      await until("both have their share", () =>
        [first, second].every((each) => each.leadership.shards.length === SHARD_COUNT / 2),
      );
      const queues = Array.from({ length: 32 }, (_, i) => `shared-${i}`);
      for (const name of queues) await platform.queue(name, null);
      const trigger = async (): Promise<string[]> =>
        await Promise.all(queues.map((name) => platform.trigger(name, { pool: "q" })));
      await platform.untilFinished(await trigger());
      const triggering = trigger();
      await first.stop();
      const stoppedAt = performance.now();
      await platform.untilFinished([...(await triggering), ...(await trigger())]);
      expect(performance.now() - stoppedAt).toBeLessThan(3000);
      expect(second.leadership.shards).toHaveLength(SHARD_COUNT);
      await second.stop();
    }));

  test("exceed no limit when one is cut off while its runs hold slots, also when it comes back", () =>
    onPlatform(async (platform) => {
      const wire = await Wire.to(platform.broker.port);
      const first = await platform.coordinator({ url: wire.url });
      await platform.queue("q", 3);
      const runs: ClaimedRun[] = [];
      let crashed = false;
      await FakeAgent.join(platform, "q", {
        work: async (run) => {
          runs.push(run);
          if (crashed) await run.succeed();
        },
      });
      const runIds = await platform.triggerMany("q", 20);
      await until("three execute", () => runs.length === 3);
      wire.cut();
      crashed = true;
      const second = await platform.coordinator();
      await runs[0]?.succeed();
      const late = await platform.triggerMany("q", 5);
      await until("the slot that was given back is given on", () => runs.length > 3);
      // Two slots are still held; the third serves all others, one after the other.
      await platform.untilFinished([...runIds.slice(3), ...late].filter((id) => !holds(id)));
      expect(holds(runs[1]?.runId)).toBe(true);
      expect(holds(runs[2]?.runId)).toBe(true);
      wire.mend();
      const more = await platform.triggerMany("q", 10);
      await runs[1]?.succeed();
      await runs[2]?.succeed();
      await platform.untilFinished([...runIds, ...late, ...more]);
      expect(platform.ledger.peak("q")).toEqual({ slots: 3, executing: 3 });
      await platform.untilGateIsClear("q");
      await second.stop();
      await first.stop();
      await wire.close();

      function holds(runId: string | undefined): boolean {
        const run = platform.ledger.state(runId ?? "");
        return run.status === "executing" && run.slot !== null;
      }
    }));

  test("lose nothing when all are killed and the broker with them", () =>
    onPlatform(async (platform) => {
      await platform.queue("q", 2);
      const wire = await Wire.to(platform.broker.port);
      const first = await platform.coordinator({ url: wire.url });
      await FakeAgent.join(platform, "q", {
        work: async (run) => {
          await sleep(5);
          await run.succeed();
        },
      });
      const runIds = await platform.triggerMany("q", 60);
      await until("some are through", () => platform.ledger.started(runIds).length > 10);
      wire.cut();
      await platform.broker.crash();
      await platform.broker.restart();
      const second = await platform.coordinator();
      await platform.untilFinished(runIds, 25_000);
      expect(platform.ledger.peak("q")).toEqual({ slots: 2, executing: 2 });
      wire.mend();
      await first.stop();
      await second.stop();
      await wire.close();
    }));
});

describe.concurrent("a takeover", () => {
  test("makes up for what happened while nobody led", () =>
    onPlatform(async (platform) => {
      for (const name of ["plain", "child", "limited"]) await platform.queue(name, null);
      await platform.queue("limited", 1);
      const before = await platform.coordinator();
      const child = platform.newRunId("child");
      const results: unknown[] = [];
      const agent = await FakeAgent.join(platform, "plain", {
        work: async (run) => {
          if (run.runId === parent) {
            results.push(...(await run.waitFor([child])));
            await run.succeed();
          } else {
            await run.canceled;
            await run.cancel();
          }
        },
      });
      const parent = platform.newRunId("plain");
      await platform.triggerAs(parent, "plain");
      const unwanted = await platform.trigger("plain");
      await platform.untilStatus(parent, "waiting");
      await platform.untilStatus(unwanted, "executing");
      const childRuns: ClaimedRun[] = [];
      await FakeAgent.join(platform, "child", {
        work: async (run) => {
          childRuns.push(run);
        },
      });
      await platform.triggerAs(child, "child", {
        parent: { runId: parent, waitIndex: 0, childIndex: 0 },
      });
      await until("the child executes", () => childRuns.length === 1);
      const held: ClaimedRun[] = [];
      await FakeAgent.join(platform, "limited", {
        work: async (run) => {
          held.push(run);
        },
      });
      const [first, second] = [
        await platform.trigger("limited"),
        await platform.trigger("limited"),
      ];
      await until("the first holds the slot", () => held.length === 1);
      await before.stop();

      await platform.cancel(unwanted);
      await childRuns[0]?.succeed('"from the child"');
      await held[0]?.succeed();
      const triggered = await platform.trigger("child");
      await sleep(100);
      expect(held).toHaveLength(1);

      const after = await platform.coordinator();
      await platform.untilFinished([parent, child, unwanted, first]);
      await until("the slot is given on", () => held.length === 2);
      expect(held[1]?.runId).toBe(second);
      expect(results).toMatchObject([{ ok: true, output: '"from the child"' }]);
      expect(agent.signals.map(({ kind }) => kind).toSorted()).toEqual(["cancel", "resume"]);
      await until("what was triggered executes", () =>
        childRuns.some((run) => run.runId === triggered),
      );
      await after.stop();
    }));

  test("after an orderly end starts from the snapshot: it reads only what came since", () =>
    onPlatform(async (platform) => {
      await platform.queue("q", null);
      await platform.queue("limited", 1);
      const before = await platform.coordinator();
      const held: ClaimedRun[] = [];
      await FakeAgent.join(platform, "q");
      await FakeAgent.join(platform, "limited", {
        work: async (run) => {
          held.push(run);
        },
      });
      const parent = await platform.trigger("limited");
      await until("it executes", () => held.length === 1);
      const waiting = await platform.trigger("limited");
      const children = await Promise.all(
        Array.from({ length: 5 }, (_, childIndex) =>
          platform.trigger("q", { parent: { runId: parent, waitIndex: 0, childIndex } }),
        ),
      );
      await platform.untilFinished(children);
      await until("the parent was told", () => told() === 5);
      await before.stop();
      // Whoever needs the log of before is lost now.
      await platform.jsm.streams.purge(RUNS.name);

      const after = await platform.coordinator();
      await held[0]?.succeed();
      await until("the slot is given on", () => held.length === 2);
      expect(held[1]?.runId).toBe(waiting);
      await held[1]?.succeed();
      await platform.untilFinished([parent, waiting]);
      await platform.untilGateIsClear("limited");
      expect(told()).toBe(5);
      await after.stop();

      function told(): number {
        return platform.ledger.types(parent).filter((type) => type === "child-finished").length;
      }
    }));

  test("does not bring back a run of a snapshot that is older than the log: how it ended may be gone", () =>
    onPlatform(async (platform) => {
      await platform.queue("q", null);
      const before = await platform.coordinator();
      const runId = await platform.trigger("q");
      await until("it is dispatched", async () => {
        const { state } = await platform.jsm.streams.info(DISPATCH.name);
        return state.messages === 1;
      });
      await before.stop();
      const claimed: string[] = [];
      await FakeAgent.join(platform, "q", {
        work: async (run) => {
          claimed.push(run.runId);
          await run.succeed();
        },
      });
      await platform.untilFinished([runId]);
      const { config } = await platform.jsm.streams.info(RUNS.name);
      const age = { max_age: 1e9, duplicate_window: 1e9 };
      await platform.jsm.streams.update(RUNS.name, { ...config, ...age });
      await until("the log has forgotten it", async () => {
        const { state } = await platform.jsm.streams.info(RUNS.name);
        return state.messages === 0;
      });

      const after = await platform.coordinator();
      const next = await platform.trigger("q");
      await platform.untilFinished([next]);
      expect(claimed).toEqual([runId, next]);
      expect(
        platform.ledger.types(runId).filter((type) => type === "attempt-started"),
      ).toHaveLength(1);
      await after.stop();
    }));

  test("without a readable snapshot starts from the log", () =>
    onPlatform(async (platform) => {
      const blobs = await openBlobs(platform.nc, OBJECT_BUCKETS.snapshots.name, 1);
      for (let shard = 0; shard < SHARD_COUNT; shard++)
        await blobs.put(`shard-${shard.toString(16)}`, new Uint8Array([0xc1, shard]));
      await platform.queue("q", null);
      await FakeAgent.join(platform, "q");
      const runId = await platform.trigger("q");
      const coordinator = await platform.coordinator();
      await platform.untilFinished([runId]);
      await coordinator.stop();
    }));

  test("whose lease was lost meanwhile leaves nobody behind who acts", () =>
    onPlatform(async (platform) => {
      await platform.queue("q", 2);
      const shard = shardOfQueue("dev", "q");
      const real = await openBlobs(platform.nc, OBJECT_BUCKETS.snapshots.name, 1);
      let slow = true;
      let asked = false;
      let goOn: () => void = () => undefined;
      const released = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      const blobs: Blobs = {
        ...real,
        get: async (name) => {
          if (slow && name === `shard-${shard.toString(16)}`) {
            slow = false;
            asked = true;
            await released;
          }
          return await real.get(name);
        },
      };
      const starting = platform.coordinator({ blobs });
      await until("the shard is being taken over", () => asked);
      const leases = await Bucket.open(platform.nc, BUCKETS.leases, leaseRecordSchema);
      await leases.delete(LEASE_KEYS.shard(shard));
      await sleep(2500);
      goOn();
      const coordinator = await starting;
      await until("all shards are led", () => coordinator.leadership.settled);
      await FakeAgent.join(platform, "q");
      const runIds = await platform.triggerMany("q", 30);
      await platform.untilFinished(runIds, 5000);
      await platform.untilGateIsClear("q");
      await coordinator.stop();
    }));

  test("that fails is tried again every two seconds, not without a pause, and goes on when it can", () =>
    onPlatform(async (platform) => {
      const real = await openBlobs(platform.nc, OBJECT_BUCKETS.snapshots.name, 1);
      let isBroken = true;
      let tries = 0;
      const blobs: Blobs = {
        ...real,
        get: async (name) => {
          if (!isBroken) return await real.get(name);
          tries++;
          throw new Error("no such permission");
        },
      };
      const starting = platform.coordinator({ blobs });
      await sleep(3000);
      expect(tries).toBeGreaterThanOrEqual(SHARD_COUNT);
      expect(tries).toBeLessThanOrEqual(3 * SHARD_COUNT);
      isBroken = false;
      const coordinator = await starting;
      await until("all shards are led", () => coordinator.leadership.settled);
      await coordinator.stop();
    }));
});
