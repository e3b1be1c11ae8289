/** Public access tokens: those that come with handles, and those that are made; what each opens and what it does not. */
import {
  auth,
  AuthenticationError,
  batch,
  PermissionDeniedError,
  runs,
  tasks,
  wait,
} from "@trigger.dev/sdk";
import { describe, expect, test } from "vitest";
import type { approval, echo } from "../../tasks/basic.ts";
import { FAST, ONCE } from "./support.ts";

async function withToken<T>(accessToken: string, call: () => Promise<T>): Promise<T> {
  return await auth.withAuth({ accessToken }, call);
}

async function refusedAs(accessToken: string, call: () => Promise<unknown>): Promise<unknown> {
  return await withToken(accessToken, call).then(
    () => "not refused",
    (error: unknown) => error,
  );
}

const trigger = async (options = {}): ReturnType<typeof tasks.trigger<typeof echo>> =>
  await tasks.trigger<typeof echo>("echo", { n: 1 }, options, ONCE);

export function publicTokens(): void {
  describe("of a handle", () => {
    test("a run's reads this run, and no other", async () => {
      const [own, other] = await Promise.all([trigger(), trigger()]);
      const run = await withToken(own.publicAccessToken, () => runs.poll(own.id, FAST));
      expect(run).toMatchObject({ status: "COMPLETED", output: { n: 1 } });
      const calls = [() => runs.retrieve(other.id), () => runs.cancel(own.id), () => trigger()];
      for (const call of calls)
        expect(await refusedAs(own.publicAccessToken, call)).toBeInstanceOf(PermissionDeniedError);
    });

    test("a batch's reads the batch and its runs", async () => {
      const handle = await tasks.batchTrigger<typeof echo>("echo", [{ payload: 1 }]);
      const outputs = await withToken(handle.publicAccessToken, async () => {
        const { runs: ids } = await batch.retrieve(handle.batchId);
        return await Promise.all(
          ids.map(async (id) => (await runs.poll(id, FAST)).output as unknown),
        );
      });
      expect(outputs).toEqual([1]);
    });

    test("a waitpoint's completes it", async () => {
      const token = await wait.createToken();
      const { id } = await tasks.trigger<typeof approval>("approval", { tokenId: token.id });
      const answer = await withToken(token.publicAccessToken, () =>
        wait.completeToken(token, { by: "a browser" }),
      );
      expect(answer).toEqual({ success: true });
      expect((await runs.poll(id, FAST)).output).toEqual({ by: "a browser" });
      const other = await wait.createToken();
      expect(
        await refusedAs(token.publicAccessToken, () => wait.completeToken(other, 1)),
      ).toBeInstanceOf(PermissionDeniedError);
    });
  });

  describe("that is made", () => {
    test("for some runs, tasks or tags opens those", async () => {
      const [own, other] = await Promise.all([trigger({ tags: "mine" }), trigger()]);
      const scopes = [
        { read: { runs: own.id } },
        { read: { tags: ["mine"] } },
        { read: { runs: ["run_x", own.id] } },
      ];
      for (const scope of scopes) {
        const token = await auth.createPublicToken({ scopes: scope });
        expect((await withToken(token, () => runs.retrieve(own.id))).id).toBe(own.id);
        expect(await refusedAs(token, () => runs.retrieve(other.id, ONCE))).toBeInstanceOf(
          PermissionDeniedError,
        );
      }
      const byTask = await auth.createPublicToken({ scopes: { read: { tasks: "echo" } } });
      expect((await withToken(byTask, () => runs.retrieve(other.id))).id).toBe(other.id);
    });

    test("for a whole type lists, and for writing cancels", async () => {
      const handle = await trigger({ delay: "1h" });
      const reading = await auth.createPublicToken({ scopes: { read: { runs: true } } });
      const listed = await withToken(reading, async () => await runs.list({ limit: 1 }));
      expect(listed.data).toHaveLength(1);
      expect(await refusedAs(reading, () => runs.cancel(handle.id))).toBeInstanceOf(
        PermissionDeniedError,
      );
      const writing = await auth.createPublicToken({ scopes: { write: { runs: handle.id } } });
      await withToken(writing, () => runs.cancel(handle.id));
      expect((await runs.retrieve(handle.id)).status).toBe("CANCELED");
    });

    test("without scopes opens nothing, and after its time is no key at all", async () => {
      const handle = await trigger();
      const empty = await auth.createPublicToken();
      expect(await refusedAs(empty, () => runs.retrieve(handle.id))).toBeInstanceOf(
        PermissionDeniedError,
      );
      const over = await auth.createPublicToken({
        scopes: { read: { runs: true } },
        expirationTime: new Date(Date.now() - 60_000),
      });
      expect(await refusedAs(over, () => runs.retrieve(handle.id))).toBeInstanceOf(
        AuthenticationError,
      );
    });

    test("auth.withPublicToken uses it for what is called inside", async () => {
      const handle = await trigger();
      let seen = "";
      await auth.withPublicToken({ scopes: { read: { runs: handle.id } } }, async () => {
        seen = (await runs.retrieve(handle.id)).id;
      });
      expect(seen).toBe(handle.id);
    });
  });

  describe("for triggering", () => {
    test("one task, once; its handle can be read with the handle's token", async () => {
      const token = await auth.createTriggerPublicToken("echo");
      const handle = await withToken(token, () => trigger());
      const run = await withToken(handle.publicAccessToken, () => runs.poll(handle.id, FAST));
      expect(run.status).toBe("COMPLETED");
      const again: unknown = await refusedAs(token, () => trigger());
      expect((again as { status: number }).status).toBeGreaterThanOrEqual(400);
      expect((again as { status: number }).status).toBeLessThan(500);
    });

    test("several times where that is wanted, and never another task", async () => {
      const token = await auth.createTriggerPublicToken(["echo"], { multipleUse: true });
      const ids = await withToken(token, async () => [(await trigger()).id, (await trigger()).id]);
      expect(new Set(ids).size).toBe(2);
      expect(await refusedAs(token, () => tasks.trigger("large", { text: "" }))).toBeInstanceOf(
        PermissionDeniedError,
      );
    });

    test("batches of one task", async () => {
      const token = await auth.createBatchTriggerPublicToken("echo");
      const handle = await withToken(token, () =>
        tasks.batchTrigger<typeof echo>("echo", [{ payload: 1 }, { payload: 2 }]),
      );
      const { runs: ids } = await withToken(handle.publicAccessToken, () =>
        batch.retrieve(handle.batchId),
      );
      expect(ids).toHaveLength(2);
      const other = await auth.createBatchTriggerPublicToken("large");
      const refused = await refusedAs(other, () => tasks.batchTrigger("echo", [{ payload: 1 }]));
      expect(refused).toMatchObject({ apiError: { status: 403 } });
    });
  });
}
