/** Advanced tasks. */
import { completes, type Snippet } from "./snippet.ts";

/** Its code fails in a way that its hook calls final. */
const fatal = {
  task: "resilient-task",
  payload: { fails: "FATAL_ERROR" },
  ends: "FAILED",
  attempts: 1,
  pauses: [],
} as const;

export const DOCUMENT_0: readonly Snippet[] = [
  {
    id: "000-01",
    env: "a",
    result: "Tags are added in the run and by the trigger; runs with a tag are followed",
    runs: [
      completes(
        "process-user",
        { userId: "1", orgId: "2" },
        { output: { processed: true }, tags: ["user_1", "org_2"] },
      ),
    ],
  },
  {
    id: "000-02",
    env: "a",
    result: "Queues with limits: a shared one, the task's own, one made by a trigger",
    runs: [
      completes("sequential-task", {}),
      completes("process-user-data", { userId: "1" }, { children: ["stand-in-child"] }),
      completes("send-email", { to: "ada@example.com" }),
    ],
  },
  {
    id: "000-03",
    env: "a",
    result:
      "A block and a request are tried again; catchError ends the run or sets the next attempt",
    runs: [
      completes("resilient-task", {}, { output: { called: true } }),
      { ...fatal, error: "Cannot retry this error" },
      { task: "resilient-task", payload: { fails: "OTHER" }, ends: "retries", attempts: 1 },
    ],
  },
  {
    id: "000-04",
    env: "a",
    result: "Runs on the preset of its definition, or on its trigger's",
    runs: [completes("heavy-computation", {}, { output: "on all cores" })],
  },
  {
    id: "000-05",
    env: "a",
    result: "Children with keys, one of them a hash of the payload",
    runs: [
      completes("process-payment", { orderId: "1", amount: 5 }, { children: ["charge-customer"] }),
      completes("deduplicated-task", { some: "data" }, { children: ["process-any-data"] }),
    ],
  },
  {
    id: "000-06",
    env: "a",
    result: "Progress in the run's metadata; a child's updates of parent and root",
    runs: [
      completes(
        "batch-processor",
        { items: [{ id: "x" }, { id: "y" }] },
        {
          output: { results: [{ processed: "x" }, { processed: "y" }], totalProcessed: 2 },
          endMetadata: {
            progress: 100,
            totalItems: 2,
            processedItems: 2,
            status: "completed",
            currentItem: "y",
            logs: ["Processed item 1/2", "Processed item 2/2"],
          },
        },
      ),
      completes("parent-of-child", undefined, {
        children: ["child-task"],
        endMetadata: { childStatus: "processing", childrenCompleted: 1 },
      }),
    ],
  },
  { id: "000-07", env: "a", result: "A page's button triggers with a public token" },
  {
    id: "000-08",
    env: "a",
    result: "Reads a large payload from where it is stored",
    runs: [
      completes(
        "large-data-task",
        { dataUrl: "data:application/json,[1]" },
        { output: { processed: 1 } },
      ),
    ],
  },
  {
    id: "000-09",
    env: "a",
    result: "Every option of a trigger at once: a delayed run with all of them",
  },
  {
    id: "000-10",
    env: "a",
    result: "A task that is not exported is served, and waited for",
    runs: [completes("public-workflow", { input: "abc" }, { output: { output: "ABC" } })],
  },
  {
    id: "000-11",
    env: "a",
    result: "Logs and spans; what is thrown inside them fails the run",
    runs: [
      completes(
        "traced-task",
        { userId: "1" },
        {
          output: { processed: "1" },
          says: [
            'info Task started {"userId":"1"}',
            "span fetch-user",
            'debug User fetched {"user":"1"}',
            'info Processing completed {"result":{"processed":"1"}}',
          ],
        },
      ),
      {
        task: "traced-task",
        payload: { userId: "unknown" },
        ends: "FAILED",
        error: "No such user",
        says: ['error Processing failed {"error":"No such user","userId":"unknown"}'],
      },
    ],
  },
  {
    id: "000-12",
    env: "a",
    result: "Usage so far, and of a block",
    runs: [completes("monitored-task", 5, { output: { computed: 5 } })],
  },
  {
    id: "000-13",
    env: "a",
    result: "A run is cancelled, replayed and retrieved; its made-up id is not found",
  },
];
