/**
 * Pages in a real browser against one Millrace: with v4's published hooks, unmodified, and, without a change to the
 * pages, with our own.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Millrace, sleep, until, Wire } from "@millrace/harness";
import { auth, batch, runs, tasks, wait } from "@trigger.dev/sdk";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { approval, double, report } from "../tasks/report.ts";
import { launchChromium } from "./chromium.ts";
import { PageServer } from "./page-server.ts";
import { Visitor } from "./visitor.ts";

const PUBLISHED = "@trigger.dev/react-hooks";
const OURS = "@millrace/react";

let millrace: Millrace;
let browser: Browser;
/** By the hooks their pages use. */
const sites = new Map<string, PageServer>();
const visitors: Visitor[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  for (const hooks of [PUBLISHED, OURS]) sites.set(hooks, await PageServer.start(hooks));
  millrace = await Millrace.start();
  // All that a backend of v4's is told of us.
  process.env["TRIGGER_API_URL"] = millrace.apiUrl;
  process.env["TRIGGER_SECRET_KEY"] = millrace.secretKey;
  await millrace.agent(join(import.meta.dirname, "../tasks"), { MILLRACE_CPUS: "8" });
}, 120_000);

afterEach(async () => {
  await Promise.all(visitors.splice(0).map((visitor) => visitor.leave()));
});

afterAll(async () => {
  delete process.env["TRIGGER_API_URL"];
  delete process.env["TRIGGER_SECRET_KEY"];
  await (browser as Browser | undefined)?.close();
  for (const site of sites.values()) await site.stop();
  await (millrace as Millrace | undefined)?.stop();
});

function linesUpTo(steps: number): string[] {
  return Array.from({ length: steps }, (_, index) => `line ${index + 1}`);
}

function expectAscending(values: readonly number[]): void {
  expect(values).toEqual(values.toSorted((a, b) => a - b));
}

let hours = 0;
/** For one use. Nothing but their ends tells two of them apart that the client signs in the same second. */
async function triggerToken(): Promise<string> {
  return await auth.createTriggerPublicToken("report", { expirationTime: `${++hours}h` });
}

/** @param gateway where the page finds it; default: where it is */
async function visit(
  hooks: string,
  page: string,
  inputs: Readonly<Record<string, string>>,
  gateway = millrace.apiUrl,
): Promise<Visitor> {
  const url = sites.get(hooks)?.urlOf(page, { gateway, ...inputs }) ?? "";
  const visitor = await Visitor.open(browser, url);
  visitors.push(visitor);
  return visitor;
}

describe.each([PUBLISHED, OURS])("with %s", (hooks) => {
  test("a page with a one-time token triggers a run and shows its status, progress and stream to the end, once", async () => {
    const tag = `once-${hooks}`;
    const accessToken = await triggerToken();
    const visitor = await visit(hooks, "report", { accessToken, tag, steps: "30", everyMs: "100" });
    await visitor.click("Start");
    await visitor.sees("the end", async () => (await visitor.text("status")) === "COMPLETED");
    await visitor.sees("all lines", async () => (await visitor.lines()).length === 30);
    expect(await visitor.lines()).toEqual(linesUpTo(30));
    expect(await visitor.text("output")).toBe("30 lines");
    const { statuses, progress } = await visitor.seen();
    expect(statuses).toContain("EXECUTING");
    expect(statuses.at(-1)).toBe("COMPLETED");
    expectAscending(progress);
    expect(progress.at(-1)).toBe(100);
    // It was shown while it went on (a task tells its metadata every second), not at its end.
    expect(progress.filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(1);
    expect(visitor.origins).toEqual(new Set([sites.get(hooks)?.origin, millrace.apiUrl]));
    expect(visitor.errors).toEqual([]);

    await visitor.click("Start");
    await visitor.sees("a refusal", async () => (await visitor.alert()) !== "");
    expect(await visitor.alert()).toContain("This one-time token has been used");
    expect((await runs.list({ tag })).data).toHaveLength(1);
  });

  test("a page follows the run it triggered with a hook for each part, and hears of its end once", async () => {
    const inputs = { tag: "parts", steps: "5", everyMs: "100" };
    const visitor = await visit(hooks, "follow-run", {
      ...inputs,
      accessToken: await triggerToken(),
    });
    await visitor.click("Start");
    await visitor.sees("the end", async () => (await visitor.text("status")) === "COMPLETED");
    await visitor.sees("all lines", async () => (await visitor.lines()).length === 5);
    await visitor.sees("the fetched run's end", async () => {
      return (await visitor.text("fetched")) === "COMPLETED";
    });
    expect(await visitor.lines()).toEqual(linesUpTo(5));
    expect(await visitor.text("completions")).toBe("1");
    expect(await visitor.alert()).toBe("");
  });

  test("a page is shown all runs with a tag, those there were and those that come", async () => {
    const tag = `shown-${hooks}`;
    const accessToken = await auth.createPublicToken({ scopes: { read: { tags: [tag] } } });
    const before = await tasks.trigger<typeof double>("double", 1, { tags: [tag] });
    const visitor = await visit(hooks, "follow-tag", { accessToken, tag });
    await visitor.sees("the first run", async () => (await visitor.lines()).length === 1);
    const after = await tasks.trigger<typeof double>("double", 2, { tags: [tag] });
    const expected = [`${before.id} COMPLETED 2`, `${after.id} COMPLETED 4`];
    await visitor.sees("both", async () => (await visitor.lines()).join() === expected.join());
    expect(await visitor.alert()).toBe("");
  });

  test("a page is shown the runs of a batch, with the token of the batch's handle", async () => {
    const { batchId, publicAccessToken: accessToken } = await batch.trigger<typeof double>([
      { id: "double", payload: 3 },
      { id: "double", payload: 4 },
    ]);
    const visitor = await visit(hooks, "follow-batch", { accessToken, batchId });
    const outputs = async (): Promise<string[]> =>
      (await visitor.lines()).map((line) => line.split(" ").slice(1).join(" ")).toSorted();
    await visitor.sees("both", async () => (await outputs()).join() === "COMPLETED 6,COMPLETED 8");
    expect(await visitor.alert()).toBe("");
  });

  test("a page completes the token that a run waits for", async () => {
    const token = await wait.createToken({ timeout: "1h" });
    const { id } = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    await until("the run waits", async () => (await runs.retrieve(id)).status === "WAITING");
    const accessToken = token.publicAccessToken;
    const visitor = await visit(hooks, "approve", { accessToken, tokenId: token.id });
    await visitor.click("Approve");
    await visitor.sees("that it is completed", async () => {
      return (await visitor.text("completed")) === "completed";
    });
    expect((await runs.poll(id, { pollIntervalMs: 50 })).output).toBe("approved by a visitor");
  });
});

/**
 * The line between the browser and the gateway is cut: an offline browser (`setOffline`) refuses new requests, and goes
 * on reading the answers it is being given. What the gateway said in the last second before is lost on its way.
 */
test("after ten seconds without a network, pages catch up: nothing is missing, nothing doubled", async () => {
  const line = await Wire.to(Number(new URL(millrace.apiUrl).port));
  const gateway = `http://${new URL(line.url).host}`;
  const [during, behind] = [join(millrace.dir, "during"), join(millrace.dir, "behind")];
  const open = async (hooks: string, page: string, endFile: string): Promise<Visitor> => {
    const inputs = { tag: "cut", steps: "200", everyMs: "100", endFile };
    return await visit(hooks, page, { ...inputs, accessToken: await triggerToken() }, gateway);
  };
  try {
    const shown = [
      await open(PUBLISHED, "report", during),
      await open(PUBLISHED, "report", behind),
      await open(PUBLISHED, "follow-run", during),
      await open(PUBLISHED, "follow-run", behind),
      await open(OURS, "report", behind),
      await open(OURS, "follow-run", during),
    ];
    for (const visitor of shown) await visitor.click("Start");
    for (const visitor of shown)
      await visitor.sees("a part of it", async () => (await visitor.lines()).length >= 5);
    line.hold("to-client");
    await sleep(1000);
    line.cut();
    const atCut = await Promise.all(shown.map((visitor) => visitor.lines()));
    await sleep(3000);
    writeFileSync(during, "");
    await sleep(6000);
    expect(await Promise.all(shown.map((visitor) => visitor.lines()))).toEqual(atCut);
    for (const visitor of shown) expect(await visitor.text("status")).toBe("EXECUTING");
    line.mend();
    writeFileSync(behind, "");
    for (const [index, visitor] of shown.entries()) {
      const { output = "" } = await runs.poll<typeof report>(await visitor.text("run"));
      const expected = linesUpTo(Number.parseInt(output, 10));
      expect(expected.length).toBeGreaterThan((atCut[index] ?? []).length);
      await visitor.sees("the end", async () => (await visitor.text("status")) === "COMPLETED");
      await visitor.sees(output, async () => (await visitor.lines()).length >= expected.length);
      expect(await visitor.lines()).toEqual(expected);
      const { progress, mostLines } = await visitor.seen();
      expect(mostLines).toBe(expected.length);
      expectAscending(progress);
      expect(progress.at(-1)).toBe(100);
      expect(visitor.origins).toContain(gateway);
      expect(visitor.origins).not.toContain(millrace.apiUrl);
      expect(visitor.errors).toEqual([]);
    }
  } finally {
    await line.close();
  }
});
