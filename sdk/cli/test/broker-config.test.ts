/** What `npm run broker-config` writes; that a server takes it is seen end to end. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCommand, type Command } from "../src/broker-config/command.ts";
import { reportOf } from "../src/broker-config/report.ts";
import { writeBrokerConfig } from "../src/broker-config/write.ts";

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "millrace-broker-config-"));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

function command(...argv: readonly string[]): Command {
  const read = readCommand(["--out", out, ...argv]);
  if (typeof read === "string") throw new Error(read);
  return read;
}
const text = (name: string): string => readFileSync(join(out, name), "utf8");

test("a user for each service and two for each environment, and secrets for nobody else", () => {
  writeBrokerConfig(command("--env", "dev,prod"));
  const names = ["admin", "agent-dev", "agent-prod", "client-dev", "client-prod"];
  const secrets = [...names, "coordinator", "gateway", "scheduler"].map((name) => `${name}.nkey`);
  expect(readdirSync(join(out, "secrets")).toSorted()).toEqual(secrets);
  const seeds = secrets.map((name) => text(join("secrets", name)).trim());
  for (const name of secrets) expect(statSync(join(out, "secrets", name)).mode & 0o777).toBe(0o600);
  expect(new Set(seeds).size).toBe(secrets.length);
  const accounts = text("accounts.conf");
  for (const seed of seeds) {
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
    expect(accounts).not.toContain(seed);
  }
  expect(accounts.match(/nkey: U/g)).toHaveLength(secrets.length);
  expect(text("nats.conf")).toContain('include "accounts.conf"');
});

test("secrets and the server's file are kept when it is run again, with another environment", () => {
  writeBrokerConfig(command("--env", "dev"));
  const before = text("secrets/gateway.nkey");
  const again = writeBrokerConfig(command("--env", "dev,prod", "--port", "4333"));
  expect(text("secrets/gateway.nkey")).toBe(before);
  expect(again.secrets.filter(({ isNew }) => isNew).map(({ name }) => name)).toEqual([
    "agent-prod",
    "client-prod",
  ]);
  expect(again.isConfigKept).toBe(true);
  expect(text("nats.conf")).toContain("port: 4222");
});

test("--rotate makes every secret anew", () => {
  writeBrokerConfig(command("--env", "dev"));
  const before = text("secrets/gateway.nkey");
  const written = writeBrokerConfig(command("--env", "dev", "--rotate"));
  expect(text("secrets/gateway.nkey")).not.toBe(before);
  expect(written.secrets.every(({ isNew }) => isNew)).toBe(true);
});

test("agents may claim from each of their pools, with and without a version", () => {
  writeBrokerConfig(command("--env", "dev", "--pools", "default,gpu", "--versions", "1.2"));
  const accounts = text("accounts.conf");
  for (const pool of ["default", "gpu", "default=00401=002e2", "gpu=00401=002e2"])
    expect(accounts).toContain(`"$JS.API.CONSUMER.MSG.NEXT.DISPATCH.lane-dev-${pool}-small-1x"`);
});

test("it says what to set where, and warns where there is no TLS", () => {
  const plain = command("--env", "dev");
  expect(reportOf(plain, writeBrokerConfig(plain))).toMatch(
    /Without TLS[^]*MILLRACE_NATS_NKEY_FILE/,
  );
  const tls = command("--env", "dev", "--tls-cert", "/c.pem", "--tls-key", "/k.pem");
  expect(reportOf(tls, writeBrokerConfig(tls))).toContain("MILLRACE_NATS_URL=tls://");
});

describe("refused is", () => {
  test.each<[string, string[], RegExp]>([
    ["no environment", [], /--env is missing/],
    ["an environment that is no token", ["--env", "a.b"], /no environment's name/],
    ["half a certificate", ["--env", "dev", "--tls-cert", "/c"], /belong together/],
    ["an authority without TLS", ["--env", "dev", "--tls-client-ca", "/c"], /needs --tls-cert/],
    ["a port that is none", ["--env", "dev", "--port", "70000"], /no port/],
    ["a version that is none", ["--env", "dev", "--versions", "a b"], /no version/],
    ["an unknown option", ["--env", "dev", "--force"], /--force/],
  ])("%s", (_what, argv, message) => {
    expect(readCommand(["--out", "/nowhere", ...argv])).toMatch(message);
  });
});
