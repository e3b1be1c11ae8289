/** The published client, unmodified, against one Millrace: every call it has for a backend. */
import { afterAll, beforeAll, describe } from "vitest";
import { asDocumented } from "./client/as-documented.ts";
import { batches } from "./client/batches.ts";
import { environment } from "./client/environment.ts";
import { notYet } from "./client/not-yet.ts";
import { publicTokens } from "./client/public-tokens.ts";
import { queueing } from "./client/queueing.ts";
import { realtime } from "./client/realtime.ts";
import { refusals } from "./client/refusals.ts";
import { running } from "./client/running.ts";
import { scheduling } from "./client/scheduling.ts";
import { streamReading } from "./client/streaming.ts";
import { startMillrace, stopMillrace } from "./client/support.ts";
import { unchangedTasks } from "./client/tasks-unchanged.ts";
import { tokens } from "./client/tokens.ts";
import { triggering } from "./client/triggering.ts";

beforeAll(startMillrace);
afterAll(stopMillrace);

describe("tasks.trigger", () => {
  triggering();
});
describe("batches", () => {
  batches();
});
describe("runs", () => {
  running();
});
describe("tokens", () => {
  tokens();
});
describe("queues", () => {
  queueing();
});
describe("streams", () => {
  streamReading();
});
describe("realtime", () => {
  realtime();
});
describe("schedules", () => {
  scheduling();
});
describe("public tokens", () => {
  publicTokens();
});
describe("environment", () => {
  environment();
});
describe("refused", () => {
  refusals();
});
describe("task files of the published SDK", () => {
  unchangedTasks();
});
describe("not yet", () => {
  notYet();
});
describe("the document of the API", () => {
  asDocumented();
});
