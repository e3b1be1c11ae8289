/** The log is the truth: folding it with `proto` alone gives what the gateway shows. */
import { eventsOfLog, fold, runLogSchema, viewOf } from "@millrace/proto";
import { Ledger, Millrace } from "@millrace/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

let millrace: Millrace;
beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS, { MILLRACE_CPUS: "4" });
});
afterAll(() => millrace.stop());

test.each([
  ["parent", { children: 3 }],
  ["failing", { until: 9 }],
  ["echo", "plain"],
])(
  "GET /api/v1/runs/:id/log of %s folds to what GET /api/v3/runs/:id shows",
  async (task, payload) => {
    const nc = await millrace.connect();
    const client = await Client.open(nc);
    const ledger = await Ledger.open(nc);
    const id = await client.trigger(task, payload);
    await ledger.until(() => ledger.runs.get(id)?.status === "finished", 30_000, task);

    const get = async (path: string): Promise<unknown> => {
      const answer = await fetch(`${millrace.apiUrl}${path}`, {
        headers: { authorization: `Bearer ${millrace.secretKey}` },
      });
      return await answer.json();
    };
    const log = runLogSchema.parse(await get(`/api/v1/runs/${id}/log`));
    const state = fold(eventsOfLog(log));
    if (state.status === "absent") throw new Error("nothing in the log");
    const folded = JSON.parse(JSON.stringify(viewOf(state))) as object;
    const shown = (await get(`/api/v3/runs/${id}`)) as object;
    // Which runs are related to it, and how they are, stands in their logs.
    expect({ ...folded, relatedRuns: {} }).toEqual({ ...shown, relatedRuns: {} });
  },
);
