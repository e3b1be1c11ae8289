/** Patterns. */
import { completes, isScheduled, type Snippet } from "./snippet.ts";

export const DOCUMENT_3: readonly Snippet[] = [
  {
    id: "003-01",
    env: "development",
    result: "A task, and one with a schema",
    runs: [
      completes("my-task", {}, { output: { value: 42 } }),
      completes("validated-task", { userId: "7f9c24e8-3b12-4fef-91e0-56a2d5a1d1a7", amount: 1 }),
      {
        task: "validated-task",
        payload: { userId: "1", amount: -1 },
        ends: "FAILED",
        error: "amount",
      },
    ],
  },
  {
    id: "003-02",
    env: "a",
    result:
      "Triggers, waits for a run, for one after the other, for two at once; a batch with keys. `{ ... }`, which no compiler takes, is `{ ...given }`",
    runs: [
      completes("trigger-and-wait", {}, { children: ["my-task"] }),
      completes(
        "orchestrator",
        {},
        {
          children: ["subtask-a", "subtask-b"],
          output: {
            ok: true,
            output: { echoed: { input: { echoed: { given: "by the reader" } } } },
          },
        },
      ),
      completes("parallel-subtasks", {}, { children: ["subtask-a", "subtask-b"] }),
    ],
  },
  {
    id: "003-03",
    env: "a",
    result: "Declares a schedule, and makes one",
    runs: [isScheduled("daily-report")],
  },
  {
    id: "003-04",
    env: "a",
    result: "Logs with properties",
    runs: [
      completes(
        "logging-conventions",
        { id: "0123456789", requestId: "r" },
        {
          says: [
            'error document_process_failed {"correlation_id":"0123456789","error_type":"Error","error_message":"as an example"}',
          ],
        },
      ),
    ],
  },
  { id: "003-05", env: "a", result: "Triggers once with a key; keys of a run and of everywhere" },
  {
    id: "003-06",
    env: "a",
    result: "Some errors are final, others are tried again",
    runs: [
      completes("api-task", { status: 200 }, { output: { status: 200 } }),
      {
        task: "api-task",
        payload: { status: 401 },
        ends: "FAILED",
        error: "Unrecoverable: 401",
        attempts: 1,
      },
    ],
  },
  {
    id: "003-07",
    env: "a",
    result: "A limit of a task, and one of several",
    runs: [completes("limited-task", {}), completes("task-a", {}), completes("task-b", {})],
  },
  {
    id: "003-08",
    env: "development",
    result: "Hooks of a task, and middleware around all of them with what it provides",
    runs: [
      completes(
        "task-with-hooks",
        {},
        { endMetadata: { connections: 0, notified: { output: null } } },
      ),
      completes("with-db", undefined, { output: "a database", endMetadata: { connections: 0 } }),
    ],
  },
  {
    id: "003-09",
    env: "a",
    result: "Several keys of metadata at once; a model's answer as a stream",
    runs: [
      completes(
        "progress",
        { i: 0, total: 4 },
        { endMetadata: { status: "processing", progress: 25 } },
      ),
      completes(
        "ai-streaming",
        { prompt: "Tell me" },
        {
          output: [
            { type: "text-delta", text: "Tell" },
            { type: "text-delta", text: "me" },
          ],
        },
      ),
    ],
  },
  {
    id: "003-10",
    env: "development",
    result: "Configures its agent: retries in development, too",
    runs: [{ task: "fails", ends: "FAILED", attempts: 3 }],
  },
];
