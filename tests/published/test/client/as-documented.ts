/** What the client was answered, held against the OpenAPI document of the gateway; after everything else. */
import { expect, test } from "vitest";
import { openApiCheck } from "./support.ts";

/** Without these there would be little to be held against anything. */
const IMPORTANT = [
  "triggerTask",
  "createBatch",
  "addBatchItems",
  "retrieveBatch",
  "listRuns",
  "retrieveRun",
  "cancelRun",
  "replayRun",
  "rescheduleRun",
  "createToken",
  "listTokens",
  "retrieveToken",
  "completeToken",
  "listQueues",
  "retrieveQueue",
  "pauseQueue",
  "createSchedule",
  "listSchedules",
  "updateSchedule",
  "readStream",
  "followRun",
  "createPayloadUpload",
  "putObject",
  "getObject",
  "createEnvVar",
  "listEnvVars",
  "listDeployments",
  "resetIdempotencyKey",
  "retrieveKeyClaims",
] as const;

export function asDocumented(): void {
  test("every answer was as the document says, and every accepted request", () => {
    expect(openApiCheck().problems).toEqual([]);
  });

  test("the operations that clients live on were among them", () => {
    const { exercised } = openApiCheck();
    expect(IMPORTANT.filter((id) => !exercised.has(id))).toEqual([]);
  });

  test("so were refusals", () => {
    const { exercised } = openApiCheck();
    const statuses = new Set([...exercised.values()].flatMap((each) => [...each]));
    expect([...statuses]).toEqual(expect.arrayContaining([400, 401, 403, 404, 413, 422, 429]));
  });
}
