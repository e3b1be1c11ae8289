/** Configuration: from the environment and from files, once, with every problem at once. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { baseConfigSchema, ConfigError, readConfig } from "../src/index.ts";

const dir = mkdtempSync(join(tmpdir(), "millrace-config-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};

describe("a configuration", () => {
  test("has defaults for everything", () => {
    expect(readConfig(baseConfigSchema, {})).toEqual({
      MILLRACE_NATS_URL: "nats://127.0.0.1:4222",
      MILLRACE_LOG_LEVEL: "info",
      MILLRACE_HEALTH_PORT: -1,
      MILLRACE_HEALTH_HOST: "127.0.0.1",
    });
  });

  test("takes what the environment says, in the type it is used as", () => {
    const env = {
      MILLRACE_HEALTH_PORT: "8080",
      MILLRACE_NATS_URL: "nats://a,nats://b",
      OTHER: "x",
    };
    expect(readConfig(baseConfigSchema, env)).toMatchObject({
      MILLRACE_HEALTH_PORT: 8080,
      MILLRACE_NATS_URL: "nats://a,nats://b",
    });
    expect(readConfig(baseConfigSchema, env)).not.toHaveProperty("OTHER");
  });

  test("treats an empty variable as one that is not set", () => {
    expect(readConfig(baseConfigSchema, { MILLRACE_LOG_LEVEL: "" })).toMatchObject({
      MILLRACE_LOG_LEVEL: "info",
    });
  });

  test("reads a value from the file that NAME_FILE names, without the line's end", () => {
    const MILLRACE_NATS_URL_FILE = file("url", "nats://secret@host:1\n");
    expect(readConfig(baseConfigSchema, { MILLRACE_NATS_URL_FILE })).toMatchObject({
      MILLRACE_NATS_URL: "nats://secret@host:1",
    });
  });

  test("prefers the variable to the file", () => {
    const env = {
      MILLRACE_NATS_URL: "nats://variable",
      MILLRACE_NATS_URL_FILE: join(dir, "not-there"),
    };
    expect(readConfig(baseConfigSchema, env).MILLRACE_NATS_URL).toBe("nats://variable");
  });

  test("that is wrong in several places is refused with all of them, each by its name", () => {
    const schema = baseConfigSchema.extend({ MILLRACE_SECRET: z.string(), N: z.coerce.number() });
    const env = {
      MILLRACE_LOG_LEVEL: "loud",
      MILLRACE_HEALTH_PORT: "70000",
      MILLRACE_SECRET_FILE: join(dir, "not-there"),
      N: "many",
    };
    const reading = (): unknown => readConfig(schema, env);
    expect(reading).toThrow(ConfigError);
    for (const name of ["MILLRACE_LOG_LEVEL", "MILLRACE_HEALTH_PORT", "MILLRACE_SECRET_FILE", "N"])
      expect(reading).toThrow(new RegExp(`^  ${name}: `, "m"));
  });

  test("cannot be changed", () => {
    expect(Object.isFrozen(readConfig(baseConfigSchema, {}))).toBe(true);
  });
});
