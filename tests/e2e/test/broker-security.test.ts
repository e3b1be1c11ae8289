/**
 * Millrace behind a broker with TLS and a user for each process, each allowed what its role needs and no more: everything
 * works, over the gateway and straight on the broker, and the broker has refused nobody anything.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  batch,
  configure,
  ConfigurationError,
  runs,
  schedules,
  shutdown,
  streams,
  tasks,
  wait,
} from "@millrace/sdk";
import { SecuredMillrace, until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { echo } from "../tasks/basic.ts";
import type {
  approval,
  bigParent,
  streaming,
  waitingForAll,
  waitingParent,
} from "../tasks/features.ts";
import { TASKS } from "./support.ts";

const SCHEDULED = join(import.meta.dirname, "../scheduled");
const KEY = "tr_dev_0123456789abcdef01234567";

let millrace: SecuredMillrace;
let notes: string;

beforeAll(async () => {
  notes = mkdtempSync(join(tmpdir(), "millrace-notes-"));
  millrace = await SecuredMillrace.start(["dev", "prod"]);
  await millrace.authorize(KEY, "dev");
  await Promise.all(
    [TASKS, SCHEDULED].map((dir) =>
      millrace.service("worker-agent", "agent-dev", { MILLRACE_TASKS_DIR: dir }),
    ),
  );
});
afterAll(async () => {
  await shutdown();
  await millrace.stop();
  rmSync(notes, { recursive: true, force: true });
});

const soon = { pollIntervalMs: 50 } as const;
const nkey = (user: string): string => readFileSync(millrace.secret(user), "utf8");

describe.each(["http", "nats"] as const)("over %s", (transport) => {
  beforeAll(() => {
    const { natsUrl, apiUrl, tlsCa } = millrace;
    if (transport === "http") configure({ baseURL: apiUrl, secretKey: KEY });
    else configure({ natsUrl, nats: { nkey: nkey("client-dev"), tlsCa } });
  });
  afterAll(() => shutdown());

  test.concurrent("a batch, a delayed run, and a large payload", async () => {
    const delayed = await tasks.trigger<typeof echo>("echo", 7, { delay: "1s" });
    const { runs: ended } = await batch.retrieve(
      (await tasks.batchTrigger<typeof echo>("echo", [{ payload: 1 }, { payload: 2 }])).batchId,
    );
    for (const id of ended) expect((await runs.poll(id, soon)).status).toBe("COMPLETED");
    expect((await runs.poll(delayed.id, soon)).output).toBe(7);
    const parent = await tasks.trigger<typeof bigParent>("big-parent", { length: 1_000_000 });
    expect((await runs.poll(parent.id, soon)).output).toEqual({ length: 1_000_000, same: true });
  });

  test.concurrent("a stream, read while it is written", async () => {
    const handle = await tasks.trigger<typeof streaming>("streaming", { chunks: 5, pauseMs: 10 });
    const chunks: unknown[] = [];
    for await (const chunk of await streams.read(handle.id, "numbers")) chunks.push(chunk);
    expect(chunks).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
  });

  test.concurrent("a cancelled parent, and a schedule", async () => {
    const handle = await tasks.trigger<typeof waitingParent>("waiting-parent", undefined);
    await until("it waits", async () => (await runs.retrieve(handle.id)).status === "WAITING");
    await runs.cancel(handle.id);
    expect((await runs.poll(handle.id, soon)).status).toBe("CANCELED");
    const made = await schedules.create({
      task: "for-users",
      cron: "0 0 1 1 *",
      deduplicationKey: transport,
    });
    expect((await schedules.deactivate(made.id)).active).toBe(false);
    expect((await schedules.list()).data.map(({ id }) => id)).toContain(made.id);
    await schedules.del(made.id);
  });

  test.concurrent("a token that is retrieved, and waited for by a run that is followed", async () => {
    const token = await wait.createToken({ timeout: "1h", tags: ["orders"] });
    const handle = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    const seen: string[] = [];
    const following = (async () => {
      for await (const run of runs.subscribeToRun(handle.id)) seen.push(run.status);
    })();
    await until("it waits", () => seen.includes("WAITING"));
    await wait.completeToken(token.id, { by: "Ada" });
    await following;
    expect(seen.at(-1)).toBe("COMPLETED");
    expect((await wait.retrieveToken(token.id)).status).toBe("COMPLETED");
  });
});

test("children, a token, timers: a run waits for everything there is to wait for", async () => {
  const { natsUrl, tlsCa } = millrace;
  configure({ natsUrl, nats: { nkey: nkey("client-dev"), tlsCa } });
  const token = await wait.createToken({ timeout: "1h" });
  const handle = await tasks.trigger<typeof waitingForAll>("waiting-for-all", {
    file: join(notes, "waiting"),
    ms: 10,
    tokenId: token.id,
  });
  await wait.completeToken(token.id, "here");
  const run = await runs.poll(handle.id, soon);
  expect(run).toMatchObject({
    status: "COMPLETED",
    output: { children: 2, token: "here", last: true },
  });
});

test("an app of another environment sees nothing of it, and another user's secret opens nothing", async () => {
  const { natsUrl, tlsCa } = millrace;
  configure({ natsUrl, env: "prod", nats: { nkey: nkey("client-prod"), tlsCa } });
  await expect(tasks.trigger<typeof echo>("echo", 1)).rejects.toThrow(/echo/);
  configure({ natsUrl, nats: { user: "coordinator", password: "guessed", tlsCa } });
  await expect(tasks.trigger<typeof echo>("echo", 1)).rejects.toThrow(ConfigurationError);
  configure({ natsUrl, nats: { nkey: nkey("client-dev") } });
  await expect(tasks.trigger<typeof echo>("echo", 1)).rejects.toThrow(/MILLRACE_NATS_TLS_CA/);
  await shutdown();
});

test("secrets are for their owner alone", () => {
  expect(statSync(millrace.secret("gateway")).mode & 0o777).toBe(0o600);
});

test("the broker has refused nobody anything but that secret", async () => {
  const refused = millrace.violations().filter((line) => !/coordinator|TLS handshake/.test(line));
  expect(refused).toEqual([]);
  expect(millrace.violations().filter((line) => line.includes("Violation"))).toEqual([]);
});
