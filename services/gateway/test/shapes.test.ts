/** Polls answered by several gateways, on one log. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RealtimeMessage } from "@millrace/proto";
import { RunLogReader } from "@millrace/service-kit";
import { RunChanges } from "../src/realtime/run-changes.ts";
import { RunStates } from "../src/realtime/run-states.ts";
import { readShape, readTagsShape, type ShapeRequest } from "../src/realtime/shape-request.ts";
import { Shapes, type ShapeAnswer } from "../src/realtime/shapes.ts";
import { startLog, type TestLog } from "./log.ts";

let log: TestLog;

beforeAll(async () => {
  log = await startLog();
});
afterAll(async () => {
  await log.stop();
});

const ENV = "dev";
const never = new AbortController().signal;

async function newShapes(holdMs = 60_000): Promise<Shapes> {
  const projection = await log.open();
  await projection.whenCaughtUp(5000);
  const changes = new RunChanges(projection);
  const states = new RunStates(projection, new RunLogReader(log.nc));
  return new Shapes({ projection, changes, states, holdMs: () => holdMs });
}

function asked(request: ReturnType<typeof readShape>): ShapeRequest {
  if (!request.ok) throw new Error(request.message);
  return request;
}

async function answer(shapes: Shapes, request: ShapeRequest): Promise<ShapeAnswer> {
  const answered = await shapes.answer(request, never);
  if (!answered.ok) throw new Error(answered.message);
  return answered;
}

const ofTag = (tag: string, query: Record<string, string> = {}): ShapeRequest =>
  asked(readTagsShape(ENV, { tags: tag, ...query }, Date.now()));

/** What a client asks that has got this answer to this. */
const goingOn = (tag: string, before: ShapeRequest, { offset }: ShapeAnswer): ShapeRequest =>
  ofTag(tag, { offset, handle: before.handle, live: "true" });

const idsIn = ({ text }: ShapeAnswer): unknown[] =>
  (JSON.parse(text) as RealtimeMessage[]).flatMap((message) =>
    "value" in message ? [message.value.id] : [],
  );

describe("a live poll", () => {
  it("without news is answered after a while: nothing but that it is up to date", async () => {
    const shapes = await newShapes(200);
    const first = ofTag("quiet");
    const before = Date.now();
    const { text, status } = await answer(
      shapes,
      goingOn("quiet", first, await answer(shapes, first)),
    );
    expect(Date.now() - before).toBeGreaterThanOrEqual(190);
    expect([status, text]).toEqual([200, '[{"headers":{"control":"up-to-date"}}]']);
  });

  it("goes on at another gateway, one that has just started, too", async () => {
    const first = ofTag("shared");
    const begun = await answer(await newShapes(), first);
    const runId = await log.trigger(ENV, { tags: ["shared"] });
    const elsewhere = await newShapes();
    const news = await answer(elsewhere, goingOn("shared", first, begun));
    expect(idsIn(news)).toEqual([runId]);
    const held = answer(elsewhere, goingOn("shared", first, news));
    await log.start(ENV, runId);
    expect(idsIn(await held)).toEqual([runId]);
  });

  it("misses nothing of many changes, whichever polls they fall between", async () => {
    const shapes = await newShapes();
    const first = ofTag("many");
    let request = first;
    let answered = await answer(shapes, first);
    const made = new Set<string>();
    const seen = new Set<unknown>();
    const making = (async () => {
      for (let n = 0; n < 100; n++) made.add(await log.trigger(ENV, { tags: ["many"] }));
    })();
    while (seen.size < 100) {
      request = goingOn("many", first, answered);
      answered = await answer(shapes, request);
      for (const id of idsIn(answered)) seen.add(id);
    }
    await making;
    expect(seen).toEqual(made);
  });

  it("is let go when the gateway stops", async () => {
    const shapes = await newShapes();
    const first = ofTag("left");
    const next = goingOn("left", first, await answer(shapes, first));
    const held = answer(shapes, next);
    setTimeout(() => shapes.release(), 50);
    expect(idsIn(await held)).toEqual([]);
    // One that comes too late is not kept waiting.
    expect(idsIn(await answer(shapes, next))).toEqual([]);
  });

  it("is let go when its client has gone", async () => {
    const shapes = await newShapes();
    const first = ofTag("gone");
    const next = goingOn("gone", first, await answer(shapes, first));
    for (const afterMs of [0, 50]) {
      const gone = new AbortController();
      const left = shapes.answer(next, gone.signal);
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
      gone.abort();
      expect((await left).ok).toBe(true);
    }
  });

  it("of a run is answered from the log when it is ahead of what is folded here", async () => {
    const runId = await log.trigger(ENV);
    const shape = asked(readShape(ENV, { runId }, {}));
    const shapes = await newShapes();
    const { offset } = await answer(shapes, shape);
    await log.start(ENV, runId);
    await log.succeed(ENV, runId);
    const query = { offset, handle: shape.handle, live: "true" };
    const news = await answer(shapes, asked(readShape(ENV, { runId }, query)));
    expect(idsIn(news)).toEqual([runId]);
  });
});

describe("an offset beyond the log", () => {
  it("is of another log: the client begins anew", async () => {
    const shapes = await newShapes();
    const { handle } = ofTag("beyond");
    const request = ofTag("beyond", { offset: "5_999999", handle, live: "true" });
    expect((await answer(shapes, request)).status).toBe(409);
  }, 10_000);
});

describe("more runs than a subscription takes", () => {
  it("are refused, whatever is asked of them", async () => {
    const shapes = await newShapes();
    const tags = ["crowd"];
    await Promise.all(Array.from({ length: 1001 }, () => log.trigger(ENV, { tags })));
    // A list that is behind is not waited for longer than a second: then it is not too many yet.
    await expect
      .poll(() => shapes.answer(ofTag("crowd"), never), { timeout: 15_000 })
      .toMatchObject({
        ok: false,
        code: "BAD_REQUEST",
        message: expect.stringContaining("Over 1000 runs"),
      });
  }, 20_000);
});
