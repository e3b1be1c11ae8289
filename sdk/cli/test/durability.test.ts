import { expect, test } from "vitest";
import { durabilityOf } from "../src/durability.ts";

test("the command line wins over the environment, and fast is the default", () => {
  expect(durabilityOf(null, {})).toBe("fast");
  expect(durabilityOf(null, { MILLRACE_DURABILITY: "" })).toBe("fast");
  expect(durabilityOf(null, { MILLRACE_DURABILITY: "strict" })).toBe("strict");
  expect(durabilityOf("fast", { MILLRACE_DURABILITY: "strict" })).toBe("fast");
});

test("a name that is not known is refused", () => {
  expect(() => durabilityOf(null, { MILLRACE_DURABILITY: "high" })).toThrow("fast or strict");
});

test("it is refused of a broker that is not started here", () => {
  const env = { MILLRACE_NATS_URL: "nats://elsewhere:4222" };
  expect(durabilityOf(null, env)).toBe("fast");
  expect(() => durabilityOf("strict", env)).toThrow("MILLRACE_NATS_URL");
  expect(() => durabilityOf(null, { ...env, MILLRACE_DURABILITY: "fast" })).toThrow("configure");
});
