import { describe, expect, test } from "vitest";
import {
  fold,
  formatOffset,
  parseOffset,
  publicStatus,
  realtimeColumns,
  realtimeMessage,
  realtimeSchema,
  streamsOf,
  type LiveRun,
} from "../src/index.ts";
import {
  type Fact,
  failed,
  fired,
  log,
  lost,
  metadata,
  released,
  resumed,
  started,
  succeeded,
  triggered,
  waitsFor,
} from "./events.ts";

const run = (...facts: readonly Fact[]): LiveRun => {
  const state = fold(log(...facts));
  if (state.status === "absent") throw new Error("absent");
  return state;
};

const all = realtimeColumns([]);
const valuesOf = (of: LiveRun): Readonly<Record<string, string | null | undefined>> => {
  const message = realtimeMessage(of, all, "insert");
  return "value" in message ? message.value : {};
};

/** What v4's clients make of the statuses in a row. */
const CLIENT: Readonly<Record<string, string>> = {
  PENDING: "QUEUED",
  WAITING_TO_RESUME: "WAITING",
  RETRYING_AFTER_FAILURE: "EXECUTING",
  COMPLETED_SUCCESSFULLY: "COMPLETED",
  COMPLETED_WITH_ERRORS: "FAILED",
};

describe("a run as a row", () => {
  test.each([
    run(triggered()),
    run(triggered({ delayUntil: 9000 })),
    run(triggered(), started()),
    run(triggered(), started(), waitsFor()),
    run(triggered(), started(), waitsFor(), fired("wait-0", 60_000)),
    run(triggered(), started(), waitsFor(), fired("wait-0", 60_000), resumed(2)),
    run(triggered(), started(), failed({ at: 3500, where: "agent" })),
    run(triggered(), started(), failed({ at: 90_000, where: "queue" })),
    run(triggered(), started(), failed()),
    run(triggered(), started(), lost()),
    run(triggered(), started(), released()),
    run(triggered(), started(), succeeded()),
    run(triggered({ ttlMs: 5000 }), fired("ttl", 6000)),
  ])("has the status its clients know it by (%#)", (of) => {
    const status = String(valuesOf(of)["status"]);
    expect(CLIENT[status] ?? status).toBe(publicStatus(of));
  });

  test("has times without a zone, and lists with their quotes and backslashes escaped", () => {
    const values = valuesOf(run(triggered({ tags: ['a"b', "c\\d", "e,f"] })));
    expect(values["createdAt"]).toBe("1970-01-01T00:00:01.000");
    expect(values["runTags"]).toBe(String.raw`{"a\"b","c\\d","e,f"}`);
  });

  test("has every column it tells the type of", () => {
    expect(Object.keys(valuesOf(run(triggered())))).toEqual(
      Object.keys(JSON.parse(realtimeSchema(all)) as object),
    );
  });

  test("keeps the payload and the error as they were written", () => {
    const values = valuesOf(run(triggered(), started(), failed()));
    expect(values).toMatchObject({ payload: '{"n":1}', payloadType: "application/json" });
    expect(JSON.parse(values["error"] ?? "")).toMatchObject({ type: "BUILT_IN_ERROR" });
  });

  test("names each stream once, and nothing that is no name", () => {
    const set = { type: "set", key: "$$streams", value: ["a", 1, "b", "a"] } as const;
    expect(streamsOf(run(triggered(), metadata(set)))).toEqual(["a", "b"]);
  });
});

describe("an offset", () => {
  test("comes back as it was", () => {
    expect(parseOffset(formatOffset(1_700_000_000_000.5, 42))).toBe(42);
    expect(parseOffset("-1")).toBe(-1);
  });

  test.each(["", "1", "_1", "1_", "a_1", "1_1_1", "now", "-2", " 1_1"])("is not %j", (text) => {
    expect(parseOffset(text)).toBeUndefined();
  });
});
