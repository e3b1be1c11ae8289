import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBody, telemetrySubject, type LogRecord, type SpanRecord } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { ENV, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

async function say(runId: string, record: LogRecord | SpanRecord): Promise<void> {
  await gateway.nc.request(telemetrySubject(ENV, runId), encodeBody(record));
}

const span = (spanId: string, at: number, parentSpanId?: string): SpanRecord => ({
  at,
  attempt: 1,
  span: {
    traceId: "a".repeat(32),
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name: `span ${spanId}`,
    kind: "internal",
    durationMs: 12,
    attributes: { a: 1 },
    events: [{ at, name: "seen" }],
  },
});

/** A run with an outer span, an inner one that was recorded first, and a line. */
async function recordedRun(): Promise<string> {
  const runId = await gateway.trigger("greet");
  await startAttempt(gateway, runId);
  const at = Date.now();
  await say(runId, span("inner", at + 1, "outer"));
  await say(runId, span("outer", at, "attempt"));
  await say(runId, { at: at + 2, attempt: 1, level: "warn", message: "careful" });
  await succeed(gateway, runId, "1");
  return runId;
}

type Tree = { id: string; data: { message: string }; children: readonly Tree[] };

describe("a run's trace", () => {
  it("is a tree of what it recorded, below the run", async () => {
    const runId = await recordedRun();
    const response = await gateway.fetch(`/api/v1/runs/${runId}/trace`);
    const { trace } = (await response.json()) as { trace: { traceId: string; rootSpan: Tree } };
    expect(trace.traceId).toBe("a".repeat(32));
    const { rootSpan } = trace;
    expect(rootSpan.data).toMatchObject({ message: "greet", isPartial: false, isError: false });
    expect(rootSpan.children.map(({ data }) => data.message)).toEqual(["span outer", "careful"]);
    expect(rootSpan.children[0]?.children.map(({ id }) => id)).toEqual(["inner"]);
    expect(rootSpan.children[1]?.data).toMatchObject({ level: "WARN", duration: 0 });
  });

  it("of spans that are each other's parents ends", async () => {
    const runId = await gateway.trigger("greet");
    await say(runId, span("x", 1, "y"));
    await say(runId, span("y", 2, "x"));
    expect((await gateway.fetch(`/api/v1/runs/${runId}/trace`)).status).toBe(200);
  });

  it("comes in pages, the run itself on the first", async () => {
    const runId = await recordedRun();
    const page = async (
      query: string,
    ): Promise<{ data: { id: string }[]; pagination: { next?: string } }> =>
      (await (await gateway.fetch(`/api/v1/runs/${runId}/trace?${query}`)).json()) as never;
    const first = await page("page[size]=2");
    expect(first.data).toHaveLength(3);
    const second = await page(`page[size]=2&page[after]=${first.pagination.next}`);
    expect(second.data).toHaveLength(1);
    expect(second.pagination).toEqual({});
    for (const query of ["page[size]=0", "page[size]=x", "page[size]=1&page[after]=x"])
      expect((await gateway.fetch(`/api/v1/runs/${runId}/trace?${query}`)).status).toBe(400);
  });
});

describe("a run's events", () => {
  it("are the same as a list, in the order of their times", async () => {
    const runId = await recordedRun();
    const response = await gateway.fetch(`/api/v1/runs/${runId}/events`);
    const { events } = (await response.json()) as { events: { message: string }[] };
    expect(events.map(({ message }) => message)).toEqual([
      "greet",
      "span outer",
      "span inner",
      "careful",
    ]);
  });

  it("of a run that does not exist are not found", async () => {
    for (const what of ["events", "trace"]) {
      const response = await gateway.fetch(`/api/v1/runs/run_0${"0".repeat(26)}/${what}`);
      expect(response.status).toBe(404);
    }
  });
});
