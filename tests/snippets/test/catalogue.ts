/** What became of every snippet: where it is served, which runs its tasks make, and how they end. */
import type { PublicStatus } from "@millrace/proto";

/** A task is served once in an environment: snippets that use the same ids are in different ones. */
export const ENVS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;
export type Env = (typeof ENVS)[number];

/** A wait of the code, in its order: a time that is made to come early, or a token that is completed. */
export type Pause = "time" | { readonly token: string };

/** A run the suite triggers, and what is to come of it. What is not named does not matter. */
export type ExpectedRun = {
  readonly task: string;
  readonly payload?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** `retries`: it failed, and waits for its next attempt. */
  readonly ends: Extract<PublicStatus, "COMPLETED" | "FAILED"> | "retries";
  readonly output?: unknown;
  readonly error?: string;
  readonly attempts?: number;
  readonly tags?: readonly string[];
  readonly endMetadata?: unknown;
  /** Runs it triggered. */
  readonly children?: readonly string[];
  readonly pauses?: readonly Pause[];
};

export type Snippet = {
  readonly id: string;
  readonly env: Env;
  /** In one line. */
  readonly result: string;
  readonly runs?: readonly ExpectedRun[];
  /** What the compiler says about it, and why it is right. */
  readonly diagnostics?: { readonly codes: readonly number[]; readonly because: string };
};

const completes = (task: string, payload: unknown, rest: Partial<ExpectedRun> = {}): ExpectedRun => ({
  task,
  payload,
  ends: "COMPLETED",
  ...rest,
});

const fatal = {
  task: "resilient-task",
  payload: { fails: "FATAL_ERROR" },
  ends: "FAILED",
  attempts: 1,
  pauses: [],
} as const;

export const SNIPPETS: readonly Snippet[] = [
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
    result: "A block and a request are tried again; catchError ends the run or sets the next attempt",
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
      completes("child-task", {}, { endMetadata: { childStatus: "processing", childrenCompleted: 1 } }),
    ],
  },
  {
    id: "000-08",
    env: "a",
    result: "Reads a large payload from where it is stored",
    runs: [completes("large-data-task", { dataUrl: "data:application/json,[1]" }, { output: { processed: 1 } })],
  },
  { id: "000-09", env: "a", result: "Every option of a trigger at once: a delayed run with all of them" },
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
      completes("traced-task", { userId: "1" }, { output: { processed: "1" } }),
      { task: "traced-task", payload: { userId: "unknown" }, ends: "FAILED", error: "No such user" },
    ],
  },
  {
    id: "000-12",
    env: "a",
    result: "Usage so far, and of a block",
    runs: [completes("monitored-task", 5, { output: { computed: 5 } })],
  },
  { id: "000-13", env: "a", result: "A run is cancelled, replayed and retrieved; its made-up id is not found" },
  { id: "001-02", env: "a", result: "Runs", runs: [completes("hello-world", { message: "Hi" })] },
  { id: "001-03", env: "b", result: "Runs", runs: [completes("hello-world", { message: "Hi" })] },
  { id: "001-04", env: "a", result: "Runs", runs: [completes("task-with-retries", {})] },
  { id: "001-05", env: "a", result: "Runs, one at a time", runs: [completes("one-at-a-time", {})] },
  { id: "001-06", env: "a", result: "Runs on large-1x", runs: [completes("heavy-task", {})] },
  { id: "001-07", env: "a", result: "Runs, at most five minutes", runs: [completes("long-task", {})] },
  {
    id: "001-08",
    env: "a",
    result: "What init returned reaches run, with its type",
    runs: [completes("task-with-init", {})],
  },
  ...["cleanup", "on-start", "on-success", "on-failure", "error-handling"].map(
    (hook, n): Snippet => ({
      id: `001-${String(n + 9).padStart(2, "0")}`,
      env: "a",
      result: "The older form of the hook, with its parameters one after the other",
      runs: [completes(`task-with-${hook}`, {})],
    }),
  ),
  {
    id: "001-18",
    env: "b",
    result: "Runs with a payload the schema takes; another fails before its code",
    runs: [
      completes("my-task", { name: "Ada", age: 36 }),
      { task: "my-task", payload: { name: "Ada" }, ends: "FAILED", error: "age" },
    ],
  },
  { id: "001-19", env: "a", result: "A handler triggers by id, with the task's type alone" },
  {
    id: "001-20",
    env: "a",
    result: "A handler triggers a batch by id",
    diagnostics: {
      codes: [7006],
      because: "under `strict` the document's own callback has an untyped parameter",
    },
  },
  { id: "001-21", env: "a", result: "A handler triggers and polls until the run has ended" },
  { id: "001-22", env: "a", result: "A handler triggers a batch of two tasks" },
  {
    id: "001-23",
    env: "c",
    result: "Triggers another task and retrieves its run",
    runs: [completes("my-task", "x", { children: ["my-other-task"] })],
  },
  {
    id: "001-24",
    env: "d",
    result: "Triggers a batch; then fails as in any JavaScript: it reads `batch` where it declares it",
    runs: [
      {
        task: "my-task",
        payload: "x",
        ends: "FAILED",
        error: "Cannot access 'batch' before initialization",
        children: ["my-other-task"],
      },
    ],
    diagnostics: {
      codes: [7022, 2448, 2339],
      because: "`const batch = await batch.retrieve(…)` reads itself, and a batch's id is `batchId`",
    },
  },
  {
    id: "001-25",
    env: "a",
    result: "Waits for a child",
    runs: [completes("parent-task", "x", { children: ["stand-in-child"] })],
  },
  {
    id: "001-26",
    env: "c",
    result: "Waits for a batch of a child's runs",
    runs: [
      completes("parent-task", "x", {
        children: ["stand-in-child", "stand-in-child", "stand-in-child"],
      }),
    ],
  },
  {
    id: "001-27",
    env: "d",
    result: "Waits for two tasks by their ids; walks through the result, each with its type",
    runs: [completes("parent-task", "x", { children: ["child-task-1", "child-task-2"] })],
  },
  {
    id: "001-28",
    env: "e",
    result: "Triggers two tasks, and retrieves their runs",
    runs: [completes("parent-task", "x", { children: ["child-task-1", "child-task-2"] })],
  },
  {
    id: "001-29",
    env: "f",
    result: "Waits for two tasks; each result with its type",
    runs: [completes("parent-task", "x", { children: ["child-task-1", "child-task-2"] })],
  },
  { id: "001-30", env: "a", result: "Triggers with metadata" },
  {
    id: "001-31",
    env: "e",
    result: "Reads the metadata it was triggered with",
    runs: [completes("my-task", { message: "Hi" }, { metadata: { user: { name: "Eric" } } })],
  },
  {
    id: "001-32",
    env: "a",
    result: "Updates are chained",
    runs: [
      completes("metadata-updates", {}, { endMetadata: { progress: 0.5, logs: ["Step 1 complete"] } }),
    ],
  },
  {
    id: "001-33",
    env: "b",
    result: "Updates of parent and root; its own where it has none",
    runs: [
      completes("child-task", { message: "Hi" }, { endMetadata: { progress: 0.5, status: "processing" } }),
    ],
  },
  {
    id: "001-34",
    env: "a",
    result: "Metadata through a schema",
    runs: [
      completes("typed-metadata", undefined, {
        metadata: { user: { name: "Eric", id: "1" }, date: "2026-01-01T00:00:00.000Z" },
      }),
    ],
  },
  { id: "001-35", env: "a", result: "A run is followed to its end" },
  { id: "001-36", env: "a", result: "A run is followed with the types of its task" },
  {
    id: "001-37",
    env: "f",
    result: "Streams chunks while it reads them itself",
    runs: [completes("my-task", { prompt: "?" }, { output: { text: "Once upon a time" } })],
  },
  { id: "001-38", env: "f", result: "A run is followed with its stream, each part with its type" },
  {
    id: "001-48",
    env: "g",
    result: "Fails four times, triggers its child once",
    runs: [
      {
        task: "my-task",
        payload: {},
        ends: "FAILED",
        error: "Something went wrong",
        attempts: 4,
        children: ["stand-in-child"],
      },
    ],
  },
  { id: "001-49", env: "a", result: "A global key is the same everywhere" },
  { id: "001-50", env: "a", result: "Triggers once with a key of parts" },
  { id: "001-51", env: "a", result: "Triggers once with a text as key" },
  {
    id: "001-52",
    env: "a",
    result: "Triggers, waits for 61 seconds (which come early here, so that the key still stands), triggers",
    runs: [completes("expiring-key", {}, { pauses: ["time"], children: ["stand-in-child"] })],
  },
  { id: "001-53", env: "b", result: "Triggers once for a payload" },
  {
    id: "001-54",
    env: "g",
    result: "Logs at every level",
    runs: [completes("logging-example", { data: { some: "data" } })],
  },
  {
    id: "001-55",
    env: "e",
    result: "Configures its agent: no retries in development",
    runs: [{ task: "fails", ends: "FAILED", attempts: 1 }],
  },
  ...[
    "The folders of the tasks",
    "Hooks around every task",
    "Accepted as it is written",
    "Accepted as it is written",
    "The machine of tasks that name none",
    "The least level that is logged",
    "The longest time of tasks that say nothing",
    "Accepted as it is written",
  ].map((result, n): Snippet => ({ id: `001-${n + 56}`, env: "d", result })),
  { id: "001-64", env: "b", result: "Triggers with a payload the schema takes" },
  {
    id: "002-01",
    env: "a",
    result: "Runs",
    runs: [completes("process-data", { userId: "1", data: [1, 2] }, { output: { processed: 2 } })],
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
    runs: [completes("task-with-waits", {}, { pauses: ["time", "time", { token: "user-approval-token" }] })],
  },
  {
    id: "002-06",
    env: "b",
    result: "Queues with limits, one of them made by a trigger",
    runs: [completes("sequential-task", {}), completes("send-email", {})],
  },
  { id: "002-07", env: "a", result: "Triggers close together are one run, with the last payload" },
  {
    id: "002-08",
    env: "b",
    result: "A child with a key",
    runs: [completes("process-payment", { orderId: "1" }, { children: ["charge-customer"] })],
  },
  {
    id: "002-09",
    env: "b",
    result: "A block and a request are tried again; catchError ends the run or sets the next attempt",
    runs: [
      completes("resilient-task", {}),
      { ...fatal, error: "Cannot retry" },
      { task: "resilient-task", payload: { fails: "OTHER" }, ends: "retries", attempts: 1 },
    ],
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
  { id: "002-13", env: "b", result: "Runs on large-2x", runs: [completes("heavy-computation", {})] },
  {
    id: "003-01",
    env: "h",
    result: "A task, and one with a schema",
    runs: [
      completes("my-task", {}, { output: { value: 42 } }),
      completes("validated-task", { userId: "7f9c24e8-3b12-4fef-91e0-56a2d5a1d1a7", amount: 1 }),
      { task: "validated-task", payload: { userId: "1", amount: -1 }, ends: "FAILED", error: "amount" },
    ],
  },
  {
    id: "003-02",
    env: "a",
    result: "Triggers, waits for a run, for one after the other, for two at once; a batch with keys. `{ ... }`, which no compiler takes, is `{ ...given }`",
    runs: [
      completes("trigger-and-wait", {}, { children: ["my-task"] }),
      completes(
        "orchestrator",
        {},
        {
          children: ["subtask-a", "subtask-b"],
          output: { ok: true, output: { echoed: { input: { echoed: { given: "by the reader" } } } } },
        },
      ),
      completes("parallel-subtasks", {}, { children: ["subtask-a", "subtask-b"] }),
    ],
  },
  {
    id: "003-04",
    env: "a",
    result: "Logs with properties",
    runs: [completes("logging-conventions", { id: "0123456789", requestId: "r" })],
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
    env: "h",
    result: "Hooks of a task, and middleware around all of them with what it provides",
    runs: [
      completes("task-with-hooks", {}, { endMetadata: { connections: 0, notified: { output: null } } }),
      completes("with-db", undefined, { output: "a database", endMetadata: { connections: 0 } }),
    ],
  },
  {
    id: "003-09",
    env: "a",
    result: "Several keys of metadata at once; a model's answer as a stream",
    runs: [
      completes("progress", { i: 0, total: 4 }, { endMetadata: { status: "processing", progress: 25 } }),
      completes("ai-streaming", { prompt: "Tell me" }, {
        output: [
          { type: "text-delta", text: "Tell" },
          { type: "text-delta", text: "me" },
        ],
      }),
    ],
  },
  {
    id: "003-10",
    env: "h",
    result: "Configures its agent: retries in development, too",
    runs: [{ task: "fails", ends: "FAILED", attempts: 3 }],
  },
  { id: "004-01", env: "c", result: "Runs", runs: [completes("hello-world", { message: "Hi" })] },
  {
    id: "004-02",
    env: "c",
    result: "Triggers, with a payload its task does not expect",
    diagnostics: {
      codes: [2353],
      because: "the document triggers with `{ payload: { message } }` a task that takes `{ message }`",
    },
  },
  { id: "004-03", env: "b", result: "Runs", runs: [completes("task-with-retries", {})] },
  { id: "004-04", env: "b", result: "Runs, one at a time", runs: [completes("one-at-a-time", {})] },
  {
    id: "004-05",
    env: "b",
    result: "Runs on the smallest machine that has so much",
    runs: [completes("heavy-task", {})],
  },
];

/** Snippets that are not here, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "000-07": "not yet: needs the React hooks",
  "001-01": "never: the pattern that its document itself says not to use",
  "001-14": "not yet: needs schedules",
  "001-15": "not yet: needs schedules",
  "001-16": "not yet: needs schedules",
  "001-17": "not yet: needs schedules",
  "001-39": "never: a shell command",
  "001-40": "not yet: needs the React hooks",
  "001-41": "not yet: needs the React hooks",
  "001-42": "not yet: needs the React hooks",
  "001-43": "not yet: needs public tokens and the React hooks",
  "001-44": "not yet: needs public tokens",
  "001-45": "not yet: needs public tokens and the React hooks",
  "001-46": "not yet: needs the React hooks",
  "001-47": "not yet: needs public tokens",
  "002-10": "not yet: needs schedules",
  "003-03": "not yet: needs schedules",
};
