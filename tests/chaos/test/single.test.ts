/** Seconds of chaos on one broker node: services and the broker are killed and frozen under load. */
import { expect, test } from "vitest";
import { shortChaos } from "./short-chaos.ts";

test("killed and frozen under load, on one broker, nothing is lost, done twice or beyond its limit", async () => {
  const { violations, runs } = await shortChaos({
    broker: "single",
    scenarios: ["kill", "freeze"],
    durationMs: 6000,
  });
  expect(violations).toEqual([]);
  expect(runs).toBeGreaterThan(20);
}, 120_000);
