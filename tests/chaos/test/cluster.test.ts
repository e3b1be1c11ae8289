/** Seconds of chaos on three broker nodes: one is killed, frozen or cut off at a time, and leaders step down. */
import { expect, test } from "vitest";
import { shortChaos } from "./short-chaos.ts";

test("with nodes of the cluster killed, frozen and cut off, nothing is lost, done twice or beyond its limit", async () => {
  const { violations, runs } = await shortChaos({
    broker: "cluster",
    scenarios: ["kill", "freeze", "partition", "step-down"],
    durationMs: 6000,
  });
  expect(violations).toEqual([]);
  expect(runs).toBeGreaterThan(20);
}, 150_000);
