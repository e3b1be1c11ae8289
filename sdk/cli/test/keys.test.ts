/** API keys by command, on a real broker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestBroker } from "@millrace/harness";
import { EnvVars, SecretBox } from "@millrace/nats";
import { keyPrefix } from "@millrace/proto";
import { execute, readCommand, type Command } from "../src/keys/command.ts";
import { Keys } from "../src/keys/keys.ts";

let broker: TestBroker;
let keys: Keys;

beforeAll(async () => {
  broker = await TestBroker.start();
  const nc = await broker.connect();
  keys = await Keys.open(nc, await SecretBox.open(nc));
});
afterAll(async () => {
  await broker.stop();
});

async function run(line: string, nowMs = Date.now(), givenKey?: string): Promise<string> {
  const command = readCommand(line.split(" "), givenKey);
  if (typeof command === "string") throw new Error(command);
  return (await execute(keys, command as Command, nowMs)).text;
}

describe("keys", () => {
  it.each([
    ["dev", "tr_dev_"],
    ["staging", "tr_stg_"],
    ["prod", "tr_prod_"],
    ["preview", "tr_preview_"],
  ])("of %s begin with %s, and are shown once", async (env, prefix) => {
    const key = await run(`create --env ${env}`);
    expect(key).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{24}$`));
    const list = await run(`list --env ${env}`);
    expect(list).toContain(`${key.slice(0, 12)}…${key.slice(-4)}`);
    expect(list).not.toContain(key);
  });

  it("are replaced: the old ones stay valid for a while, once and not longer", async () => {
    await run("create --env rotated", 1000);
    await run("rotate --env rotated --grace 1h", 2000);
    await run("rotate --env rotated --grace 2h", 3000);
    const until = (await keys.list("rotated")).map(({ record }) => record.validUntil);
    expect(until).toEqual([2000 + 3_600_000, 3000 + 7_200_000, undefined]);
  });

  it("are let in as they are given: the same key again is one key", async () => {
    const key = `${keyPrefix("given")}0123456789abcdefgh01`;
    expect(await run("register --env given", Date.now(), key)).toBe("");
    expect(await run("register --env given", Date.now(), key)).toBe("");
    const [listed, ...others] = await keys.list("given");
    expect(listed).toMatchObject({ record: { env: "given" }, canSign: true });
    expect(others).toEqual([]);
  });

  it("are not let in under another environment's beginning, too short, or not given at all", async () => {
    await expect(run("register --env prod", 1, "tr_dev_0123456789abcdefghijkl")).rejects.toThrow(
      /begin/,
    );
    await expect(run("register --env dev", 1, "tr_dev_short")).rejects.toThrow(/characters/);
    await expect(run("register --env dev", 1)).rejects.toThrow(/MILLRACE_SECRET_KEY/);
  });

  it("are taken back by the id in the list, in their own environment", async () => {
    await run("create --env revoked");
    const [listed] = await keys.list("revoked");
    const id = listed?.id ?? "";
    expect(await run(`revoke --env prod --key ${id}`)).toContain("names no key");
    expect(await run(`revoke --env revoked --key ${id}`)).toContain("taken back");
    expect(await keys.list("revoked")).toEqual([]);
  });
});

it("are encrypted anew with the current master key, and environment variables with them", async () => {
  const nc = await broker.connect();
  const [old, current] = ["an old master key: ", "the new master key: "].map((key) =>
    key.padEnd(40, "x"),
  );
  const before = await SecretBox.open(nc, old);
  await (await Keys.open(nc, before)).create("kept", 1);
  await (await EnvVars.open(nc, before)).set("kept", { name: "A", value: "v" });
  const both = await Keys.open(nc, await SecretBox.open(nc, `${current},${old}`));
  expect((await both.reencrypt()).unreadable).toBe(0);
  const after = await SecretBox.open(nc, current);
  expect((await (await Keys.open(nc, after)).list("kept"))[0]?.canSign).toBe(true);
  expect(await (await EnvVars.open(nc, after)).get("kept", "A")).toMatchObject({ value: "v" });
  const wrong = await Keys.open(nc, await SecretBox.open(nc, old));
  expect((await wrong.reencrypt()).unreadable).toBeGreaterThan(0);
});

it.each([
  ["", /command is missing/],
  ["make --env dev", /command is missing/],
  ["create", /--env is missing/],
  ["create --env a.b", /no environment's name/],
  ["create --env preview-main-0123456789abcdef", /the keys of preview open it/],
  ["create dev", /unexpected: dev/],
  ["rotate --env dev --grace soon", /not a duration/],
  ["revoke --env dev", /--key/],
  ["register", /--env is missing/],
  ["list --all", /Unknown option/],
])("refuses %j", (line, problem) => {
  expect(readCommand(line.split(" ").filter(Boolean))).toMatch(problem);
});
