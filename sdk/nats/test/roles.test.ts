/** What each role may not do, tried on a real broker; and that what it needs to do works. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headers, nuid } from "@nats-io/nats-core";
import {
  BUCKETS,
  DISPATCH,
  encodeEvent,
  makeRunId,
  OBJECT_BUCKETS,
  runSubject,
  STREAMS,
  bucketStream,
} from "@millrace/proto";
import { until } from "@millrace/harness";
import { openBlobs, provision } from "@millrace/service-kit";
import { z } from "zod";
import { Bucket } from "../src/buckets.ts";
import { DirectReader } from "../src/direct-reader.ts";
import { Feed } from "../src/feed.ts";
import { lastMessages } from "../src/last-messages.ts";
import { Objects } from "../src/objects.ts";
import { Publisher } from "../src/publisher.ts";
import { RunLogReader } from "../src/run-log.ts";
import { RoleBroker, type RoleName } from "./role-broker.ts";

let broker: RoleBroker;

beforeAll(async () => {
  broker = await RoleBroker.start();
  await provision(await broker.as("coordinator"), 1);
});
afterAll(() => broker.stop());

const DEV_RUN = makeRunId(3, 1, new Uint8Array(10));
const PROD_RUN = makeRunId(3, 2, new Uint8Array(10));
const API = "$JS.API";
const LANE = "lane-prod-default-small-1x";

/** Subjects to which the role's messages are refused. */
const REFUSED: Readonly<Record<string, readonly [RoleName, ...string[]]>> = {
  "an app writing what others say of a run": [
    "app of dev",
    ...(["coordinator", "scheduler", "agent", "meta"] as const).map((role) =>
      runSubject("dev", DEV_RUN, role),
    ),
  ],
  "an app triggering in another environment": [
    "app of dev",
    runSubject("prod", PROD_RUN, "client"),
  ],
  "an app reading another environment's runs": [
    "app of dev",
    `${API}.CONSUMER.CREATE.RUNS.c.run.prod.>`,
    `${API}.CONSUMER.CREATE.RUNS.c.run.>`,
    `${API}.CONSUMER.CREATE.RUNS.c.run.*.>`,
    `${API}.CONSUMER.CREATE.RUNS.c`,
    `${API}.CONSUMER.CREATE.RUNS`,
    `${API}.CONSUMER.DURABLE.CREATE.RUNS.c`,
    `${API}.DIRECT.GET.RUNS`,
    `${API}.DIRECT.GET.RUNS.${runSubject("prod", PROD_RUN, "client")}`,
    `${API}.STREAM.MSG.GET.RUNS`,
    `${API}.STREAM.INFO.RUNS`,
  ],
  "an app changing streams": [
    "app of dev",
    ...STREAMS.flatMap(({ name }) =>
      ["DELETE", "PURGE", "UPDATE", "CREATE", "MSG.DELETE", "SNAPSHOT", "RESTORE"].map(
        (action) => `${API}.STREAM.${action}.${name}`,
      ),
    ),
    `${API}.STREAM.LIST`,
    `${API}.STREAM.NAMES`,
    `${API}.CONSUMER.LIST.RUNS`,
    `${API}.CONSUMER.NAMES.RUNS`,
  ],
  "an app reading secrets and leases": [
    "app of dev",
    ...["keys", "envvars", "leases", "config", "agents"].flatMap((bucket) => [
      `${API}.DIRECT.GET.KV_${bucket}`,
      `${API}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.dev.x`,
      `${API}.STREAM.MSG.GET.KV_${bucket}`,
      `${API}.CONSUMER.CREATE.KV_${bucket}.c.$KV.${bucket}.dev.>`,
      `$KV.${bucket}.dev.x`,
    ]),
  ],
  "an app reading another environment's records": [
    "app of dev",
    ...["tasks", "queues", "waitpoints", "idempotency", "schedules", "batches"].flatMap(
      (bucket) => [
        `${API}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.prod.x`,
        `${API}.STREAM.MSG.GET.KV_${bucket}`,
        `${API}.CONSUMER.CREATE.KV_${bucket}.c.$KV.${bucket}.prod.>`,
        `${API}.CONSUMER.CREATE.KV_${bucket}.c.$KV.${bucket}.>`,
        `$KV.${bucket}.prod.x`,
      ],
    ),
    `${API}.DIRECT.GET.OBJ_payloads`,
    `${API}.STREAM.MSG.GET.OBJ_payloads`,
    `${API}.CONSUMER.CREATE.OBJ_payloads.c.$O.payloads.C.prod.x.*`,
    "$O.payloads.M.prod.x",
  ],
  "an app taking work": [
    "app of dev",
    `${API}.CONSUMER.MSG.NEXT.DISPATCH.lane-dev-default-small-1x`,
    `${API}.CONSUMER.CREATE.DISPATCH.c.dispatch.dev.default.small-1x.*`,
    "$JS.ACK.DISPATCH.lane-dev-default-small-1x.1.1.1.1.0",
    "dispatch.dev.default.small-1x.run",
    "slot.dev.q.run",
    "timer.dev.3.run.x",
    "resume.dev.agent.run.stop-1",
  ],
  "an agent of dev claiming in prod": [
    "agent of dev",
    `${API}.CONSUMER.MSG.NEXT.DISPATCH.${LANE}`,
    `${API}.CONSUMER.CREATE.DISPATCH.${LANE}.dispatch.prod.default.small-1x.*`,
    `${API}.CONSUMER.CREATE.DISPATCH.lane-dev-default-small-1x.dispatch.prod.default.small-1x.*`,
    `${API}.CONSUMER.DELETE.DISPATCH.${LANE}`,
    `$JS.ACK.DISPATCH.${LANE}.1.1.1.1.0`,
    runSubject("prod", PROD_RUN, "agent"),
  ],
  "an agent of a pool claiming in another": [
    "agent of dev",
    `${API}.CONSUMER.MSG.NEXT.DISPATCH.lane-dev-gpu-small-1x`,
    `${API}.CONSUMER.CREATE.DISPATCH.lane-dev-gpu-small-1x.dispatch.dev.gpu.small-1x.*`,
  ],
  "an agent deciding what is the coordinator's": [
    "agent of dev",
    runSubject("dev", DEV_RUN, "coordinator"),
    runSubject("dev", DEV_RUN, "scheduler"),
    "slot.dev.q.run",
    "dispatch.dev.default.small-1x.run",
    `${API}.CONSUMER.MSG.NEXT.SLOTS.gate-dev-q`,
    "$KV.leases.shard.0",
    "$KV.config.master-key",
    "$KV.envvars.dev.x",
    "$KV.agents.prod.x",
    ...STREAMS.map(({ name }) => `${API}.STREAM.PURGE.${name}`),
  ],
  "an agent reading another environment's secrets": [
    "agent of dev",
    `${API}.DIRECT.GET.KV_envvars.$KV.envvars.prod.x`,
    `${API}.CONSUMER.CREATE.KV_envvars.c.$KV.envvars.prod.>`,
    `${API}.STREAM.MSG.GET.KV_envvars`,
    `${API}.DIRECT.GET.KV_keys.$KV.keys.x`,
    `${API}.DIRECT.GET.KV_config.$KV.config.signing-key`,
  ],
  "a gateway leading shards, or speaking for others": [
    "gateway",
    "$KV.leases.shard.0",
    "$KV.leases.coordinator.x",
    "$KV.keys.x",
    "$KV.config.schema",
    runSubject("dev", DEV_RUN, "coordinator"),
    runSubject("dev", DEV_RUN, "agent"),
    ...["DELETE", "PURGE", "UPDATE"].map((action) => `${API}.STREAM.${action}.RUNS`),
  ],
  "a scheduler leading shards, or seeing secrets": [
    "scheduler",
    "$KV.leases.shard.0",
    runSubject("dev", DEV_RUN, "coordinator"),
    `${API}.STREAM.PURGE.RUNS`,
    `${API}.STREAM.PURGE.DISPATCH`,
    `${API}.STREAM.MSG.GET.KV_envvars`,
    `${API}.STREAM.MSG.GET.KV_keys`,
  ],
  "a coordinator removing what happened, or seeing secrets": [
    "coordinator",
    `${API}.STREAM.PURGE.RUNS`,
    `${API}.STREAM.MSG.DELETE.RUNS`,
    ...STREAMS.map(({ name }) => `${API}.STREAM.DELETE.${name}`),
    `${API}.STREAM.MSG.GET.KV_envvars`,
    `${API}.STREAM.MSG.GET.KV_keys`,
    runSubject("dev", DEV_RUN, "agent"),
    runSubject("dev", DEV_RUN, "client"),
  ],
  "an administrator writing runs, or changing streams": [
    "admin",
    runSubject("dev", DEV_RUN, "client"),
    runSubject("dev", DEV_RUN, "agent"),
    `${API}.STREAM.DELETE.RUNS`,
    `${API}.STREAM.PURGE.RUNS`,
    `${API}.STREAM.UPDATE.RUNS`,
    "$KV.leases.shard.0",
  ],
};

describe("refused is", () => {
  test.each(Object.entries(REFUSED))("%s", async (_what, [role, ...subjects]) => {
    for (const subject of subjects) {
      const refusals = await broker.refusals(role, (nc) => nc.publish(subject, "{}"));
      expect(refusals).toEqual([expect.stringContaining(`Publish to "${subject}"`)]);
    }
  });

  test("listening to answers of others, to other environments, and to everything", async () => {
    const subjects = [
      "_INBOX.>",
      ">",
      "*.>",
      "run.prod.>",
      "run.>",
      "out.prod.>",
      "$JS.>",
      "$KV.>",
    ];
    for (const role of ["app of dev", "agent of dev"] as const)
      for (const subject of subjects) {
        const refusals = await broker.refusals(role, (nc) => {
          nc.subscribe(subject, { callback: () => undefined });
        });
        expect(refusals[0]).toContain(`Subscription to "${subject}"`);
      }
    const other = await broker.as("app of prod");
    const inbox = (other as unknown as { options: { inboxPrefix: string } }).options.inboxPrefix;
    const refusals = await broker.refusals("app of dev", (nc) => {
      nc.subscribe(`${inbox}.>`, { callback: () => undefined });
    });
    expect(refusals).toHaveLength(1);
  });

  test("a consumer whose request and subject name different filters", async () => {
    const nc = await broker.as("app of dev");
    const create = async (config: object): Promise<{ error?: { description: string } }> => {
      const name = `c-${nuid.next()}`;
      const body = JSON.stringify({
        stream_name: "RUNS",
        action: "create",
        config: {
          name,
          ack_policy: "none",
          deliver_policy: "all",
          replay_policy: "instant",
          ...config,
        },
      });
      const answer = await nc.request(`${API}.CONSUMER.CREATE.RUNS.${name}.run.dev.>`, body);
      return answer.json();
    };
    expect((await create({ filter_subject: "run.dev.>" })).error).toBeUndefined();
    expect((await create({ filter_subject: "run.prod.>" })).error?.description).toMatch(/subject/);
    expect((await create({})).error?.description).toMatch(/subject/);
    const several = await create({ filter_subjects: ["run.dev.>", "run.prod.>"] });
    expect(several.error?.description).toMatch(/filter|subject/);
  });
});

test("what is kept for ever, and payloads, cannot be emptied by a message that asks for it", async () => {
  const gateway = await broker.as("gateway");
  await gateway.request("$KV.queues.prod.q", "kept");
  const app = await broker.as("app of dev");
  const fields = headers();
  fields.set("Nats-Rollup", "all");
  for (const subject of ["$KV.queues.dev.q", "$KV.schedules.dev.s", "$O.payloads.M.dev.p"]) {
    const answer = await app.request(subject, "x", { headers: fields, timeout: 2000 });
    const { error } = answer.json<{ error?: { description: string } }>();
    expect(error?.description).toMatch(/rollup not permitted/);
  }
});

describe("allowed is", () => {
  test("a coordinator looking at a dispatch that is in the way of a newer one", async () => {
    const nc = await broker.as("coordinator");
    const subject = "dispatch.dev.default.small-1x.in-the-way";
    await new Publisher(nc).publish(subject, new Uint8Array());
    const found = await lastMessages(nc, DISPATCH.name, [subject]);
    expect(found.map((message) => message.subject)).toEqual([subject]);
  });

  test("an app triggering a run, and reading its log in its environment and nowhere else", async () => {
    const subject = runSubject("dev", DEV_RUN, "client");
    const app = await broker.as("app of dev");
    const body = encodeEvent("cancel-requested", { at: 1 });
    const stored = await new Publisher(app).publish(subject, body, { type: "cancel-requested" });
    expect(stored.kind).toBe("stored");
    expect(await new RunLogReader(app).read("dev", DEV_RUN)).toMatchObject([
      { type: "cancel-requested", runId: DEV_RUN },
    ]);
    const gateway = await broker.as("gateway");
    expect(await new RunLogReader(gateway).read("dev", DEV_RUN)).toHaveLength(1);
  });

  test("an app reading a log of several batches in order, from where it was", async () => {
    const app = await broker.as("app of dev");
    const publisher = new Publisher(app);
    const subject = `out.dev.${DEV_RUN}.many`;
    await Promise.all(
      Array.from({ length: 2500 }, (_, n) => publisher.publish(subject, Buffer.from(String(n)))),
    );
    const reader = new DirectReader(app, "OUTPUT");
    const read: number[] = [];
    const last = await reader.each(subject, 0, ({ data }) => {
      read.push(Number(Buffer.from(data).toString()));
    });
    expect(read).toEqual(Array.from({ length: 2500 }, (_, n) => n));
    expect(await reader.each(subject, last, () => expect.fail("nothing is left"))).toBe(last);
    let first = 0;
    await reader.each(subject, 0, ({ seq }) => {
      first = seq;
      return false;
    });
    expect(last - first).toBe(2499);
  });

  test("an app keeping records and large payloads of its environment", async () => {
    const app = await broker.as("app of dev");
    const tokens = await Bucket.open(app, BUCKETS.waitpoints, z.object({ id: z.string() }));
    expect(await tokens.create("dev.t1", { id: "t1" }, { ttlMs: 60_000 })).toBeGreaterThan(0);
    expect(await tokens.create("dev.t1", { id: "t1" })).toBeUndefined();
    expect((await tokens.get("dev.t1"))?.value).toEqual({ id: "t1" });
    const ids: string[] = [];
    await tokens.each("dev.>", (_key, { id }) => ids.push(id));
    expect(ids).toEqual(["t1"]);
    await tokens.delete("dev.t1");
    expect(await tokens.get("dev.t1")).toBeUndefined();
    const large = "x".repeat(3_000_000);
    const objects = await Objects.open(app);
    await objects.put("dev", "a/payload.json", large, "application/json");
    const stored = { data: large, type: "application/json" };
    expect(await objects.get("dev", "a/payload.json")).toEqual(stored);
    expect(await objects.get("dev", "b/payload.json")).toBeUndefined();
    const gateway = await Objects.open(await broker.as("gateway"));
    expect(await gateway.get("dev", "a/payload.json")).toEqual(stored);
    expect(await gateway.get("prod", "a/payload.json")).toBeUndefined();
  });

  test("a coordinator keeping snapshots of its shards", async () => {
    const nc = await broker.as("coordinator");
    const blobs = await openBlobs(nc, OBJECT_BUCKETS.snapshots.name, 1);
    const large = new Uint8Array(300_000).fill(7);
    await blobs.put("shard-0", new Uint8Array([1]));
    await blobs.put("shard-0", large);
    expect(await blobs.get("shard-0")).toEqual(large);
    expect(await broker.refusals("coordinator", () => undefined)).toEqual([]);
    expect(broker.logged().filter((line) => line.includes("OBJ_snapshots"))).toEqual([]);
  }, 90_000);

  test("an administrator looking at everything", async () => {
    const nc = await broker.as("admin");
    const names = await nc.request(`${API}.STREAM.NAMES`, "");
    expect(names.json<{ streams: string[] }>().streams).toContain("RUNS");
    const feed = await Feed.start(nc, {
      stream: bucketStream("config"),
      subjects: ["$KV.config.>"],
      from: "last-per-subject",
      onMessage: () => undefined,
    });
    await feed.caughtUp;
    await feed.stop();
  });
});

test("what the broker cannot refuse: an answer to a request is published wherever its sender wants it", async () => {
  const app = await broker.as("app of dev");
  const forged = runSubject("prod", PROD_RUN, "coordinator");
  const fields = headers();
  fields.set("Millrace-Type", "cancel-requested");
  await app.request("$KV.queues.dev.forged", encodeEvent("cancel-requested", { at: 1 }), {
    headers: fields,
    timeout: 2000,
  });
  app.publish(`${API}.DIRECT.GET.KV_queues.$KV.queues.dev.forged`, "", { reply: forged });
  const gateway = await broker.as("gateway");
  const found: string[] = [];
  const reader = new DirectReader(gateway, "RUNS");
  await until("it is in the log", async () => {
    await reader.each(forged, 0, ({ subject }) => void found.push(subject));
    return found.length > 0;
  });
  // docs/security.md says what follows from it. Should this ever fail: better.
  expect(found).toEqual([forged]);
});
