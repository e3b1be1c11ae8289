/** Waitpoint tokens: made, listed, and completed in every way there is. */
import { runs, tasks, wait } from "@trigger.dev/sdk";
import { until } from "@millrace/harness";
import { expect, test } from "vitest";
import type { approval } from "../../tasks/basic.ts";
import { FAST, ONCE } from "./support.ts";

async function waitingRun(tokenId: string): Promise<string> {
  const { id } = await tasks.trigger<typeof approval>("approval", { tokenId });
  await until("the run waits", async () => (await runs.retrieve(id)).status === "WAITING");
  return id;
}

export function tokens(): void {
  test("a token is made with tags, a timeout and a key, and shown so", async () => {
    const options = {
      idempotencyKey: "doc-1",
      idempotencyKeyTTL: "1h",
      timeout: "1h",
      tags: ["doc"],
    };
    const token = await wait.createToken(options);
    expect(token).toMatchObject({ isCached: false });
    expect(token.id).toMatch(/^waitpoint_/);
    expect(token.publicAccessToken.split(".")).toHaveLength(3);
    expect(await wait.createToken(options)).toMatchObject({ id: token.id, isCached: true });
    const shown = await wait.retrieveToken(token);
    expect(shown).toMatchObject({
      id: token.id,
      url: token.url,
      status: "WAITING",
      idempotencyKey: "doc-1",
      tags: ["doc"],
      output: undefined,
    });
    for (const date of [shown.createdAt, shown.timeoutAt, shown.idempotencyKeyExpiresAt])
      expect(date).toBeInstanceOf(Date);
  });

  test("a run goes on when its token is completed; the first completion counts", async () => {
    const token = await wait.createToken({ timeout: "1h" });
    const runId = await waitingRun(token.id);
    expect(await wait.completeToken(token, { by: "Ada" })).toEqual({ success: true });
    expect(await wait.completeToken(token.id, { by: "Bob" })).toEqual({ success: true });
    expect((await runs.poll(runId, FAST)).output).toEqual({ by: "Ada" });
    const shown = await wait.retrieveToken(token.id);
    expect(shown).toMatchObject({ status: "COMPLETED", output: { by: "Ada" } });
    expect(shown.completedAt).toBeInstanceOf(Date);
  });

  test("anyone who has its URL completes it, without a key", async () => {
    const token = await wait.createToken();
    const runId = await waitingRun(token.id);
    const body = JSON.stringify({ by: "a webhook" });
    const answer = await fetch(token.url, { method: "POST", body });
    expect([answer.status, await answer.json()]).toEqual([200, { success: true }]);
    expect((await runs.poll(runId, FAST)).output).toEqual({ by: "a webhook" });
    const forged = await fetch(`${token.url}0`, { method: "POST", body });
    expect(forged.status).toBe(401);
  });

  test("a token that times out gives its run an error", async () => {
    const token = await wait.createToken({ timeout: "1s" });
    const { id } = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
    expect((await runs.poll(id, FAST)).output).toEqual({ refused: "WaitpointTimeoutError" });
    const shown = await wait.retrieveToken(token);
    expect(shown.status).toBe("TIMED_OUT");
    expect(shown.error).toBeInstanceOf(Error);
  });

  test("tokens are listed by status, tags and key, page by page", async () => {
    const made: string[] = [];
    for (const n of [1, 2, 3])
      made.unshift((await wait.createToken({ tags: ["listed", `n${n}`] })).id);
    const [newest = ""] = made;
    await wait.completeToken(newest, null);
    const idsOf = async (params: Parameters<typeof wait.listTokens>[0]): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { id } of wait.listTokens(params)) ids.push(id);
      return ids;
    };
    expect(await idsOf({ tags: ["listed"], limit: 2 })).toEqual(made);
    expect(await idsOf({ tags: "listed", status: "COMPLETED" })).toEqual([newest]);
    expect(await idsOf({ tags: "listed", status: ["WAITING"] })).toEqual(made.slice(1));
    expect(await idsOf({ idempotencyKey: "doc-1", period: "1h" })).toHaveLength(1);
    expect(await idsOf({ tags: "nobody" })).toEqual([]);
    const first = await wait.listTokens({ tags: ["listed"], limit: 2 });
    const second = await first.getNextPage();
    expect(second.data.map(({ id }) => id)).toEqual(made.slice(2));
    const back = await second.getPreviousPage();
    expect(back.data.map(({ id }) => id)).toEqual(made.slice(0, 2));
  });

  test("a token nobody made is not found", async () => {
    const refused = wait.retrieveToken("waitpoint_0123456789abcdef", ONCE);
    await expect(refused).rejects.toMatchObject({ status: 404 });
  });
}
