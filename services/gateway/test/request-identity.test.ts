import { expect, it } from "vitest";
import { isRunId, shardOfQueue, shardOfRun } from "@millrace/proto";
import { runIdOfRequest } from "../src/trigger/request-identity.ts";

const KEY = "01939a5e-7b3c-7d61-9c4e-0f4d4a7d1c55";
const request = { env: "dev", taskId: "greet", queue: "task/greet", key: KEY };

it("makes the same run id of the same request", () => {
  const runId = runIdOfRequest(request) ?? "";
  expect(isRunId(runId)).toBe(true);
  expect(shardOfRun(runId)).toBe(shardOfQueue("dev", "task/greet"));
  expect(runIdOfRequest({ ...request, key: KEY.toUpperCase() })).toBe(runId);
});

it.each([{ env: "prod" }, { taskId: "other" }, { key: "01939a5e-7b3c-7d61-9c4e-0f4d4a7d1c56" }])(
  "makes another of another: %o",
  (change) => {
    expect(runIdOfRequest({ ...request, ...change })).not.toBe(runIdOfRequest(request));
  },
);

it("keeps the order of time", () => {
  const later = runIdOfRequest({ ...request, key: "01939a5e-7b3d-7000-8000-000000000000" });
  expect((later ?? "") > (runIdOfRequest(request) ?? "")).toBe(true);
});

it.each([undefined, "", "01939a5e-7b3c-4d61-9c4e-0f4d4a7d1c55", "nonsense"])(
  "makes none without a time in the key: %s",
  (key) => {
    expect(runIdOfRequest({ ...request, key })).toBeUndefined();
  },
);
