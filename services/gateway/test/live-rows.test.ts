/** Subscriptions that ask for runs as rows. */
import { describe, expect, it, vi } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { post } from "./harness.ts";
import { setUpLive } from "./live-setup.ts";
import { of } from "./websocket.ts";

// What does not come is found by these tests; how long it takes is not their matter.
vi.setConfig({ testTimeout: 30_000 });

const live = setUpLive();

describe("rows", () => {
  it("have payload and output as they were given, without the columns that are not wanted", async () => {
    const payload = '{"json":{"at":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]}}}';
    const options = { payloadType: "application/super+json", tags: ["rowed"] };
    const runId = await live.gateway.trigger("greet", { payload, options });
    const ask = { as: "row", skipColumns: ["metadata", "id"] };
    live.client.send({ type: "subscribe", id: "one", runId, ...ask });
    live.client.send({ type: "subscribe-runs", id: "many", tags: ["rowed"], ...ask });
    await live.client.until((messages) => of(messages, "row").length === 2);
    for (const { row } of of(live.client.messages, "row")) {
      expect(row).toMatchObject({ id: runId, payload, payloadType: "application/super+json" });
      expect(row).not.toHaveProperty("metadata");
    }
    await startAttempt(live.gateway, runId);
    await succeed(live.gateway, runId, '"done"');
    await live.client.until((messages) => of(messages, "end").length === 1);
    expect(of(live.client.messages, "row").at(-1)?.row).toMatchObject({ output: '"done"' });
    expect(of(live.client.messages, "run")).toEqual([]);
  });

  it("of one run go on after its end where that is wanted", async () => {
    const runId = await live.gateway.trigger("greet");
    await live.gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""));
    live.client.send({ type: "subscribe", id: "a", runId, as: "row", beyondEnd: true });
    await live.client.until((messages) => of(messages, "row").length === 1);
    await live.gateway.fetch(`/api/v1/runs/${runId}/metadata`, {
      ...post('{"metadata":{"late":true}}'),
      method: "PUT",
    });
    await live.client.until((messages) => of(messages, "row").length === 2);
    expect(of(live.client.messages, "row")[1]?.row.metadata).toBe('{"late":true}');
    expect(of(live.client.messages, "end")).toEqual([]);
  });

  it("of runs that were made too long ago are left out", async () => {
    await live.gateway.trigger("greet", { options: { tags: ["aged"] } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const ask = { type: "subscribe-runs", tags: ["aged"], as: "row", afterSeq: 0 };
    live.client.send({ ...ask, id: "none", createdWithinMs: 1 });
    live.client.send({ ...ask, id: "some", createdWithinMs: 60_000 });
    await live.client.until((messages) => of(messages, "caught-up").length >= 2);
    expect(of(live.client.messages, "row").map(({ id }) => id)).toEqual(["some"]);
  });
});
