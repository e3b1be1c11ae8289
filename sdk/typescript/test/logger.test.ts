import { afterEach, describe, expect, it, vi } from "vitest";
import { context, SpanStatusCode, trace, type Span, type SpanOptions } from "@opentelemetry/api";
import { logger } from "../src/logger.ts";
import { setConfig } from "../src/registry.ts";
import { fakeRun } from "./fake-run.ts";

afterEach(() => {
  vi.restoreAllMocks();
  setConfig({ withoutEffect: [], written: {} });
});

it.each(["debug", "log", "info", "warn", "error"] as const)(
  "%s goes to the run's log",
  async (level) => {
    const run = fakeRun();
    await run.execute(async () => logger[level]("hello", { a: 1 }));
    await run.execute(async () => logger[level]("bare"));
    const at = expect.any(Number);
    expect(run.asked).toEqual([
      ["log", { at, level, message: "hello", properties: { a: 1 } }],
      ["log", { at, level, message: "bare" }],
    ]);
  },
);

it.each(["debug", "log", "info", "warn", "error"] as const)(
  "%s goes to the console outside",
  (level) => {
    const written = vi.spyOn(console, level).mockImplementation(() => undefined);
    logger[level]("hello", { a: 1 });
    logger[level]("bare");
    expect(written.mock.calls).toEqual([["hello", { a: 1 }], ["bare"]]);
  },
);

it.each([
  ["none", []],
  ["error", ["error"]],
  ["warn", ["warn", "error"]],
  ["log", ["log", "warn", "error"]],
  ["info", ["log", "info", "warn", "error"]],
  ["debug", ["debug", "log", "info", "warn", "error"]],
] as const)("keeps what the configured level %s lets through", async (logLevel, kept) => {
  setConfig({ logLevel, withoutEffect: [], written: {} });
  const run = fakeRun();
  await run.execute(async () => {
    for (const level of ["debug", "log", "info", "warn", "error"] as const) logger[level]("x");
  });
  expect(run.asked.map(([, record]) => (record as { level: string }).level)).toEqual(kept);
});

describe("spans", () => {
  it("last as long as the code, and fail with it", async () => {
    const told: unknown[] = [];
    using(told);
    expect(await logger.trace("work", () => 1, { userId: "u" })).toBe(1);
    const failing = logger.trace(
      "fails",
      () => {
        throw new RangeError("no");
      },
      { attributes: { n: 1 } },
    );
    await expect(failing).rejects.toThrow("no");
    logger.startSpan("by hand").end();
    expect(told).toEqual([
      ["start", "work", { attributes: { userId: "u" } }],
      ["end", "work"],
      ["start", "fails", { attributes: { n: 1 } }],
      ["exception", "fails", "no"],
      ["status", "fails", { code: SpanStatusCode.ERROR }],
      ["end", "fails"],
      ["start", "by hand", { attributes: {} }],
      ["end", "by hand"],
    ]);
  });
});

/** A provider that tells what its spans go through. */
function using(told: unknown[]): void {
  const span = (name: string, options: SpanOptions): Span => {
    told.push(["start", name, options]);
    return {
      end: () => told.push(["end", name]),
      recordException: (error: Error) => told.push(["exception", name, error.message]),
      setStatus: (status: object) => told.push(["status", name, status]),
    } as unknown as Span;
  };
  vi.spyOn(trace, "getTracer").mockReturnValue({
    startSpan: (name: string, options: SpanOptions) => span(name, options),
    startActiveSpan: (name: string, options: SpanOptions, code: (span: Span) => unknown) =>
      context.with(context.active(), () => code(span(name, options))),
  } as never);
}
