import { afterEach, expect, it, vi } from "vitest";
import { logger } from "../src/logger.ts";
import { fakeRun } from "./fake-run.ts";

afterEach(() => {
  vi.restoreAllMocks();
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
