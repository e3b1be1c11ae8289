import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunStateAt } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

type Log = { readonly events: readonly { readonly seq: number; readonly type: string }[] };

const get = async <T>(path: string): Promise<T> => (await (await gateway.fetch(path)).json()) as T;

const CHILDREN = ["run_0aaaaaaaaaaaaaaaaaaaaaaaaaa", "run_0bbbbbbbbbbbbbbbbbbbbbbbbbb"];

/** A run that has waited for two children, of which the first has ended, and the sequences of its log by type. */
async function waitingParent(): Promise<{ runId: string; seqOf: (type: string) => number }> {
  const runId = await gateway.trigger("greet", { payload: "p", options: { tags: ["t"] } });
  await startAttempt(gateway, runId);
  await gateway.state(runId, "agent", "wait-started", {
    at: Date.now(),
    attempt: 1,
    agentId: "agent_test",
    index: 0,
    durationMs: 1,
    wait: {
      kind: "children",
      key: "children:x",
      batchId: null,
      children: CHILDREN.map((id) => ({ runId: id, taskId: "greet" })),
    },
  });
  await gateway.state(runId, "coordinator", "child-finished", {
    at: Date.now(),
    waitIndex: 0,
    childIndex: 0,
    result: {
      ok: true,
      id: CHILDREN[0] ?? "",
      taskIdentifier: "greet",
      output: '"first"',
      outputType: "application/json",
    },
  });
  const { events } = await get<Log>(`/api/v1/runs/${runId}/log`);
  const seqOf = (type: string): number => events.find((event) => event.type === type)?.seq ?? 0;
  return { runId, seqOf };
}

describe("a run's log", () => {
  it("folded up to a sequence shows the run as it was then", async () => {
    const { runId, seqOf } = await waitingParent();
    const at = async (seq: number): Promise<RunStateAt> =>
      await get(`/api/v1/runs/${runId}/log?state_at=${seq}`);
    const started = await at(seqOf("wait-started") - 1);
    expect(started).toMatchObject({
      id: runId,
      seq: seqOf("attempt-started"),
      state: { status: "executing" },
      run: { status: "EXECUTING", payload: "p" },
    });
    expect((await at(999_999)).state).toMatchObject({ status: "waiting", waits: [{ open: 1 }] });
  });

  it.each(["0", "-1", "1.5", "x", ""])("has no state at %s", async (seq) => {
    const { runId } = await waitingParent();
    expect((await gateway.fetch(`/api/v1/runs/${runId}/log?state_at=${seq}`)).status).toBe(400);
  });

  it("has no state before the run was triggered", async () => {
    await gateway.trigger("greet");
    const runId = await gateway.trigger("greet");
    expect((await gateway.fetch(`/api/v1/runs/${runId}/log?state_at=1`)).status).toBe(400);
  });
});

describe("a fork", () => {
  const fork = async (runId: string, at: number | string): Promise<Response> =>
    await gateway.fetch(`/api/v1/runs/${runId}/fork?at=${at}`, post(""));

  it("is a new run with the payload, and the results there were", async () => {
    const { runId, seqOf } = await waitingParent();
    const response = await fork(runId, seqOf("child-finished"));
    expect(response.status).toBe(200);
    const { id } = (await response.json()) as { id: string };
    expect(id).not.toBe(runId);
    const { state, run } = await get<RunStateAt>(`/api/v1/runs/${id}/log?state_at=999999`);
    expect(run).toMatchObject({ status: "QUEUED", payload: "p", tags: ["t"], isReplay: true });
    expect(state.trigger.fork).toMatchObject({ runId, seq: seqOf("child-finished") });
    const [wait] = state.waits;
    if (wait?.kind !== "children") throw new Error("no children");
    expect(wait.open).toBe(1);
    expect(wait.children[0]?.result).toMatchObject({ ok: true, output: '"first"' });
    expect(wait.children[1]?.runId).not.toBe(CHILDREN[1]);
    expect(wait.children[1]?.runId).toMatch(/^run_0/);
  });

  it("of a place before the first answer begins with nothing", async () => {
    const { runId, seqOf } = await waitingParent();
    const { id } = (await (await fork(runId, seqOf("wait-started"))).json()) as { id: string };
    const { state } = await get<RunStateAt>(`/api/v1/runs/${id}/log?state_at=999999`);
    expect(state.waits).toEqual([]);
  });

  it("is shown as it goes on, also by what follows the whole log", async () => {
    const { runId, seqOf } = await waitingParent();
    const { id } = (await (await fork(runId, seqOf("child-finished"))).json()) as { id: string };
    await startAttempt(gateway, id);
    await succeed(gateway, id, "1");
    const list = await get<{ data: { id: string; status: string }[] }>(
      "/api/v1/runs?filter[tag]=t",
    );
    expect(list.data.find((run) => run.id === id)?.status).toBe("COMPLETED");
    // Whoever replays it gets a run that begins at the beginning.
    const replayed = await gateway.fetch(`/api/v1/runs/${id}/replay`, post(""));
    const { id: again } = (await replayed.json()) as { id: string };
    const { state } = await get<RunStateAt>(`/api/v1/runs/${again}/log?state_at=999999`);
    expect(state.trigger.fork).toBeUndefined();
  });

  it("is refused without a place, and of a run that does not exist", async () => {
    const { runId } = await waitingParent();
    expect((await fork(runId, "")).status).toBe(400);
    expect((await fork(`run_0${"0".repeat(26)}`, 5)).status).toBe(404);
  });
});
