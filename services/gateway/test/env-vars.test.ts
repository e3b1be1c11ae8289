/** Environment variables of runs, over HTTP; and the versions that agents serve. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  agentRecordSchema,
  BUCKETS,
  envVarKey,
  envVarListSchema,
  envVarRecordSchema,
  type AgentRecord,
} from "@millrace/proto";
import { Bucket } from "@millrace/service-kit";
import { authorization, ENV, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const VARS = `/api/v1/projects/proj_1/envvars/${ENV}`;
const json = (body: unknown, method = "POST"): RequestInit => ({
  ...post(JSON.stringify(body)),
  method,
});
const list = async () => envVarListSchema.parse(await (await gateway.fetch(VARS)).json());

async function answer(path: string, init: RequestInit = {}): Promise<[number, unknown]> {
  const response = await gateway.fetch(path, init);
  return [response.status, await response.json()];
}

const DONE = [200, { success: true }];

describe("environment variables", () => {
  it("are made, changed, listed by name and deleted", async () => {
    expect(await answer(VARS, json({ name: "B_URL", value: "b" }))).toEqual(DONE);
    expect(await answer(VARS, json({ name: "A_URL", value: "ä = 1\n" }))).toEqual(DONE);
    expect(await answer(`${VARS}/B_URL`, json({ value: "" }, "PUT"))).toEqual(DONE);
    expect(await list()).toEqual([
      { name: "A_URL", value: "ä = 1\n", isSecret: false },
      { name: "B_URL", value: "", isSecret: false },
    ]);
    const headers = authorization(KEY);
    expect(await answer(`${VARS}/A_URL`, { method: "DELETE", headers })).toEqual(DONE);
    expect((await answer(`${VARS}/A_URL`))[0]).toBe(404);
    expect(await list()).toEqual([{ name: "B_URL", value: "", isSecret: false }]);
  });

  it("do not show a secret again, and stay secret when they are changed", async () => {
    await gateway.fetch(VARS, json({ name: "TOKEN", value: "hunter2", isSecret: true }));
    await gateway.fetch(`${VARS}/TOKEN`, json({ value: "hunter3" }, "PUT"));
    const [, shown] = await answer(`${VARS}/TOKEN`);
    expect(shown).toEqual({ name: "TOKEN", value: "<redacted>", isSecret: true });
  });

  it("are stored encrypted, each for its own record", async () => {
    await gateway.fetch(VARS, json({ name: "PLAIN", value: "very secret indeed" }));
    const bucket = await Bucket.open(gateway.nc, BUCKETS.envvars, envVarRecordSchema);
    const stored = await bucket.get(envVarKey(ENV, "PLAIN"));
    expect(JSON.stringify(stored)).not.toContain("very secret");
    if (stored) await bucket.put(envVarKey(ENV, "COPY"), { ...stored.value, name: "COPY" });
    expect((await answer(`${VARS}/COPY`))[0]).toBe(500);
    await bucket.delete(envVarKey(ENV, "COPY"));
  });

  it("are imported, and replace others only when told to", async () => {
    const variables = { IMPORT_A: "1", IMPORT_B: "2" };
    expect(await answer(`${VARS}/import`, json({ variables }))).toEqual(DONE);
    const changed = { variables: { IMPORT_B: "3", IMPORT_C: "4" } };
    const [status, refusal] = await answer(`${VARS}/import`, json(changed));
    expect([status, refusal]).toEqual([
      422,
      { code: "ENVVAR_EXISTS", error: expect.stringContaining("IMPORT_B") },
    ]);
    expect((await answer(`${VARS}/IMPORT_C`))[0]).toBe(404);
    expect(await answer(`${VARS}/import`, json({ ...changed, override: true }))).toEqual(DONE);
    expect(await list()).toEqual(
      expect.arrayContaining([
        { name: "IMPORT_A", value: "1", isSecret: false },
        { name: "IMPORT_B", value: "3", isSecret: false },
        { name: "IMPORT_C", value: "4", isSecret: false },
      ]),
    );
  });

  it.each([
    ["a name with a space", { name: "A B", value: "1" }],
    ["a name that begins with a digit", { name: "1A", value: "1" }],
    ["a name of the platform's", { name: "MILLRACE_NATS_URL", value: "1" }],
    ["no value", { name: "A" }],
    ["a value that is too long", { name: "A", value: "x".repeat(32 * 1024 + 1) }],
  ])("refuse %s", async (_what, body) => {
    expect((await answer(VARS, json(body)))[0]).toBe(400);
  });

  it("refuse what belongs to a branch's parent", async () => {
    const body = { variables: {}, parentVariables: { A: "1" } };
    expect(await answer(`${VARS}/import`, json(body))).toMatchObject([
      422,
      { code: "UNSUPPORTED_OPTION" },
    ]);
  });

  it("are those of the key's environment alone", async () => {
    expect((await answer("/api/v1/projects/proj_1/envvars/prod"))[0]).toBe(403);
    await gateway.addKey("tr_stg_key", "staging");
    const init = { headers: authorization("tr_stg_key") };
    expect(await answer("/api/v1/projects/proj_1/envvars/stg", init)).toEqual([200, []]);
    expect(await answer("/api/v1/projects/proj_1/envvars/staging", init)).toEqual([200, []]);
  });
});

describe("deployments", () => {
  const agent = (id: string, version: string | undefined, startedAt: number): AgentRecord => ({
    id,
    env: ENV,
    pool: "default",
    host: "h",
    pid: 1,
    startedAt,
    presets: [],
    cpus: 1,
    memoryGb: 1,
    capacity: {},
    ...(version === undefined ? {} : { version }),
    draining: false,
  });

  it("are the versions that agents serve, the newest first", async () => {
    expect(await answer("/api/v1/deployments/current")).toMatchObject([
      404,
      { code: "DEPLOYMENT_NOT_FOUND" },
    ]);
    const agents = await Bucket.open(gateway.nc, BUCKETS.agents, agentRecordSchema);
    const now = Date.now();
    await agents.put("a1", agent("a1", "20260101.1", now - 5000));
    await agents.put("a2", agent("a2", "20260101.2", now - 1000));
    await agents.put("a3", agent("a3", "20260101.1", now));
    await agents.put("a4", agent("a4", undefined, now));
    await agents.put("a5", { ...agent("a5", "other", now), env: "prod" });
    const createdAt = new Date(now - 1000).toISOString();
    const newest = { version: "20260101.2", status: "DEPLOYED", createdAt, runtime: "node" };
    expect(await answer("/api/v1/deployments/current")).toMatchObject([200, newest]);
    const [, all] = await answer("/api/v1/deployments");
    expect(all).toMatchObject({ data: [newest, { version: "20260101.1" }], pagination: {} });
    const [, first] = await answer("/api/v1/deployments?page[size]=1");
    const { next } = (first as { pagination: { next: string } }).pagination;
    const [, second] = await answer(`/api/v1/deployments?page[size]=1&page[after]=${next}`);
    expect(second).toMatchObject({ data: [{ version: "20260101.1" }], pagination: {} });
    expect((await answer("/api/v1/deployments?status=FAILED"))[1]).toMatchObject({ data: [] });
    expect((await answer("/api/v1/deployments?period=2s"))[1]).toMatchObject({ data: [newest] });
    expect((await answer("/api/v1/deployments?period=soon"))[0]).toBe(400);
  });
});
