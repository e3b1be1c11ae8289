import { beforeAll, expect, test } from "vitest";
import {
  decodeBody,
  logRecordSchema,
  TELEMETRY,
  telemetrySubject,
  type StateOf,
} from "@millrace/proto";
import { Feed } from "@millrace/nats";
import type { AgentProcess } from "./support/agent-process.ts";
import { ENV, eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, wait, metadata } from "@millrace/sdk";
    const begun = () => { metadata.set("pid", process.pid); };
    export const child = task({ id: "child", run: async (n: number) => n * 2 });
    export const time = task({
      id: "time",
      run: async () => { begun(); await wait.for({ hours: 1 }); return "time"; },
    });
    export const one = task({
      id: "one",
      run: async () => { begun(); return await child.triggerAndWait(1).unwrap(); },
    });
    export const batch = task({
      id: "batch",
      run: async () => {
        begun();
        const { id, runs } = await child.batchTriggerAndWait([{ payload: 1 }, { payload: 2 }]);
        return [id, ...runs.map((run) => run.ok && run.output)];
      },
    });
    export const token = task({
      id: "token",
      run: async () => {
        begun();
        const { id } = await wait.createToken({ timeout: "1h", idempotencyKey: "the-token" });
        const result = await wait.forToken<number>(id);
        return result.ok ? result.output : "timed out";
      },
    });
    export const unknown = task({
      id: "unknown",
      run: async () => {
        try {
          await wait.forToken("waitpoint_nobody");
        } catch (error) {
          return (error as Error & { code: string }).code;
        }
      },
    });
    export const limited = task({
      id: "limited",
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        await wait.for({ hours: 1 });
        await new Promise((resolve) => setTimeout(resolve, 700));
        return "not reached";
      },
    });
    export const hooked = task({
      id: "hooked",
      onWait: async ({ wait }) => { console.log("wait " + wait.type); },
      onResume: async ({ wait }) => { console.log("resume " + wait.type); },
      run: async () => {
        begun();
        await wait.for({ hours: 1 });
        await child.triggerAndWait(1);
        await child.batchTriggerAndWait([{ payload: 1 }]);
      },
    });
    let times = 0;
    export const strays = task({
      id: "strays",
      run: async (always: boolean, { ctx }) => {
        const isOther = process.env.MILLRACE_TEST_PATH === "other";
        if (isOther && (always || ctx.attempt.number === 1)) await child.triggerAndWait(++times + process.pid);
        await wait.for({ hours: 1 });
        return ctx.attempt.number;
      },
    });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent();
});

type Waiting = StateOf<"waiting">;

/** The run waits, and the process it waited in is gone. */
async function waitingAlone(runId: string): Promise<Waiting> {
  const { coordinator } = setup();
  const { metadata } = await coordinator.until(
    runId,
    "waiting",
    (state) => state.metadata !== null,
  );
  process.kill(Number(metadata?.["pid"]), "SIGKILL");
  return await coordinator.until(runId, "waiting", ({ agentId }) => agentId === null);
}

async function goesOn(runId: string): Promise<unknown> {
  const { coordinator } = setup();
  await coordinator.dispatch(runId);
  const { outcome, output, attempt } = await coordinator.until(runId, "finished");
  expect([outcome, attempt]).toEqual(["completed", 1]);
  return JSON.parse(
    output?.type === "text/plain" ? JSON.stringify(output.data) : (output?.data ?? ""),
  );
}

async function startedWaits(runId: string): Promise<number> {
  const events = await setup().coordinator.events(runId);
  return events.filter(({ type }) => type === "wait-started").length;
}

test("a run whose process was killed while it waited for time goes on", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("time");
  await waitingAlone(runId);
  await coordinator.fireWait(runId);
  expect(await goesOn(runId)).toBe("time");
  expect(await startedWaits(runId)).toBe(1);
});

test.each([
  ["one", [1], 2],
  ["batch", [1, 2], [expect.stringMatching(/^batch_/), 2, 4]],
])(
  "a run whose process was killed while it waited for children (%s) goes on",
  async (taskId, payloads, output) => {
    const { coordinator } = setup();
    const runId = await coordinator.run(taskId as string);
    const { waits } = await waitingAlone(runId);
    const wait = waits.at(-1);
    const children = wait?.kind === "children" ? wait.children : [];
    expect(children).toHaveLength(payloads.length);
    for (const [i, child] of children.entries())
      await coordinator.answerChild(runId, i, {
        ok: true,
        id: child.runId,
        taskIdentifier: "child",
        output: String(Number(payloads[i]) * 2),
        outputType: "application/json",
      });
    expect(await goesOn(runId)).toEqual(output);
    expect(await startedWaits(runId)).toBe(1);
  },
);

test("a run whose process was killed while it waited for a token goes on", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("token");
  const { waits } = await waitingAlone(runId);
  expect(waits).toMatchObject([{ kind: "token", timeoutAt: expect.any(Number), result: null }]);
  await coordinator.completeToken(runId, 42);
  expect(await goesOn(runId)).toBe(42);
  expect(await startedWaits(runId)).toBe(1);
});

test("hooks hear of waits that really begin and end here, not of those that are answered", async () => {
  const { broker, coordinator } = setup();
  const runId = await coordinator.run("hooked");
  await waitingAlone(runId);
  await coordinator.fireWait(runId);
  await coordinator.dispatch(runId);
  for (const count of [2, 3]) {
    const { waits, agentId } = await coordinator.until(
      runId,
      "waiting",
      (state) => state.waits.length === count,
    );
    const wait = waits.at(-1);
    const id = wait?.kind === "children" ? (wait.children[0]?.runId ?? "") : "";
    const output = { output: "1", outputType: "application/json" };
    await coordinator.answerChild(runId, 0, { ok: true, id, taskIdentifier: "child", ...output });
    await coordinator.signal(runId, "resume", agentId ?? "");
  }
  await coordinator.until(runId, "finished");
  const messages: unknown[] = [];
  const feed = await Feed.start(broker.nc, {
    stream: TELEMETRY.name,
    subjects: [telemetrySubject(ENV, runId)],
    from: { after: 0 },
    onMessage: ({ data }) => void messages.push(logRecordSchema.parse(decodeBody(data)).message),
  });
  await eventually(() =>
    expect(messages).toEqual([
      "wait duration",
      "wait task",
      "resume task",
      "wait batch",
      "resume batch",
    ]),
  );
  await feed.stop();
});

test("a token resumes the process that waits for it", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("token");
  await coordinator.until(runId, "waiting");
  await coordinator.completeToken(runId, "here");
  await coordinator.signal(runId, "resume", agent.id);
  const { output } = await coordinator.until(runId, "finished");
  expect(output?.data).toBe("here");
});

test("a token nobody made is not waited for", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("unknown");
  const { output } = await coordinator.until(runId, "finished");
  expect(output?.data).toBe("TOKEN_NOT_FOUND");
  expect(await startedWaits(runId)).toBe(0);
});

test("active time is counted across waits and processes, the wait is not", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("limited", null, { maxDurationSec: 1 });
  const { attemptMs } = await coordinator.until(runId, "waiting");
  expect(attemptMs).toBeGreaterThan(650);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect((await coordinator.state(runId)).status).toBe("waiting");
  // Its agent is taken for dead: another process goes on with what is left of its time.
  await coordinator.lose(runId, agent.id);
  await coordinator.fireWait(runId);
  const at = Date.now();
  await coordinator.dispatch(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "timed-out", error: { code: "MAX_DURATION_EXCEEDED" } });
  expect(Date.now() - at).toBeLessThan(2500);
});

test("code that takes another path is started anew, once, though the task has no retry", async () => {
  const { coordinator } = setup();
  const once = await coordinator.run("strays", false);
  const always = await coordinator.run("strays", true);
  for (const runId of [once, always]) {
    await coordinator.until(runId, "waiting");
    await coordinator.fireWait(runId);
  }
  expect(await agent.stop()).toBe(0);
  agent = await setup().agent({ MILLRACE_TEST_PATH: "other" });
  for (const runId of [once, always]) {
    await coordinator.until(runId, "queued");
    await coordinator.dispatch(runId);
  }
  await coordinator.until(once, "waiting", ({ attempt }) => attempt === 2);
  await coordinator.fireWait(once);
  await coordinator.signal(once, "resume", agent.id);
  expect(await coordinator.until(once, "finished")).toMatchObject({ output: { data: "2" } });

  const again = await coordinator.until(always, "waiting", ({ attempt }) => attempt === 2);
  const wait = again.waits[0];
  const childId = wait?.kind === "children" ? (wait.children[0]?.runId ?? "") : "";
  await coordinator.lose(always, agent.id);
  await coordinator.answerChild(always, 0, {
    ok: true,
    id: childId,
    taskIdentifier: "child",
    outputType: "application/json",
  });
  await eventually(async () => {
    const state = await coordinator.state(always);
    if (state.status === "queued") await coordinator.dispatchAgain(state);
    expect(state.status).toBe("finished");
  });
  expect(await coordinator.until(always, "finished")).toMatchObject({
    attempt: 2,
    error: { code: "TASK_EXECUTION_FAILED", message: expect.stringContaining("another path") },
  });
});
