/** Tasks at a glance. */
import { completes, isScheduled, type Snippet } from "./snippet.ts";

/** Its code fails in a way that its hook calls final. */
const fatal = {
  task: "resilient-task",
  payload: { fails: "FATAL_ERROR" },
  ends: "FAILED",
  attempts: 1,
  pauses: [],
} as const;

export const DOCUMENT_2: readonly Snippet[] = [
  {
    id: "002-01",
    env: "a",
    result: "Runs",
    runs: [
      completes(
        "process-data",
        { userId: "1", data: [1, 2] },
        { output: { processed: 2 }, says: ["log Processing 2 items"] },
      ),
    ],
  },
  {
    id: "002-02",
    env: "a",
    result: "Runs with a payload the schema takes",
    runs: [
      completes(
        "validated-task",
        { name: "Ada", email: "ada@example.com" },
        { output: { message: "Hello Ada" } },
      ),
      {
        task: "validated-task",
        payload: { name: "Ada", email: "nobody" },
        ends: "FAILED",
        error: "email",
      },
    ],
  },
  { id: "002-03", env: "a", result: "Triggers a run and a batch by id" },
  {
    id: "002-04",
    env: "b",
    result: "Triggers; waits for a child, for its output, for a batch",
    runs: [completes("parent-task", {}, { children: Array<string>(5).fill("stand-in-child") })],
  },
  {
    id: "002-05",
    env: "a",
    result: "Waits for times, for none in the past, and for a token made by its name",
    runs: [
      completes(
        "task-with-waits",
        {},
        { pauses: ["time", "time", { token: "user-approval-token" }] },
      ),
    ],
  },
  {
    id: "002-06",
    env: "b",
    result: "Queues with limits, one of them made by a trigger",
    runs: [completes("sequential-task", {}), completes("send-email", {})],
  },
  { id: "002-07", env: "a", result: "Triggers close together are one delayed run" },
  {
    id: "002-08",
    env: "b",
    result: "A child with a key",
    runs: [completes("process-payment", { orderId: "1" }, { children: ["charge-customer"] })],
  },
  {
    id: "002-09",
    env: "b",
    result:
      "A block and a request are tried again; catchError ends the run or sets the next attempt",
    runs: [
      completes("resilient-task", {}),
      { ...fatal, error: "Cannot retry" },
      { task: "resilient-task", payload: { fails: "OTHER" }, ends: "retries", attempts: 1 },
    ],
  },
  {
    id: "002-10",
    env: "a",
    result: "Declares schedules, and makes one for a user",
    runs: [isScheduled("daily-cleanup"), isScheduled("tokyo-morning")],
  },
  {
    id: "002-11",
    env: "b",
    result: "Progress in the run's metadata",
    runs: [
      completes(
        "batch-processor",
        { items: [{ id: "x" }, { id: "y" }] },
        { endMetadata: { progress: 100, total: 2, status: "completed" } },
      ),
    ],
  },
  {
    id: "002-12",
    env: "b",
    result: "Tags are added in the run and by the trigger",
    runs: [completes("process-user", { userId: "1" }, { tags: ["user_1"] })],
  },
  {
    id: "002-13",
    env: "b",
    result: "Runs on large-2x",
    runs: [completes("heavy-computation", {})],
  },
];
