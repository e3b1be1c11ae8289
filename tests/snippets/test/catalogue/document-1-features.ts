/** The rules for writing tasks: metadata, subscriptions, keys, configuration. */
import { completes, type Snippet } from "./snippet.ts";

const UNTYPED_PROPS = "the document writes its components' props without types";

export const DOCUMENT_1_FEATURES: readonly Snippet[] = [
  { id: "001-30", env: "a", result: "Triggers with metadata" },
  {
    id: "001-31",
    env: "dev",
    result: "Reads the metadata it was triggered with",
    runs: [
      completes(
        "my-task",
        { message: "Hi" },
        { metadata: { user: { name: "Eric" } }, says: ["log Eric"] },
      ),
    ],
  },
  {
    id: "001-32",
    env: "a",
    result: "Updates are chained",
    runs: [
      completes(
        "metadata-updates",
        {},
        { endMetadata: { progress: 0.5, logs: ["Step 1 complete"] } },
      ),
    ],
  },
  {
    id: "001-33",
    env: "b",
    result: "Updates of parent and root",
    runs: [
      completes("parent-of-child", undefined, {
        children: ["child-task"],
        endMetadata: { progress: 0.5, status: "processing" },
      }),
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
    id: "001-40",
    env: "a",
    result: "A component follows a run of an installation of its own",
    diagnostics: { codes: [7031, 7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-41",
    env: "a",
    result: "The hooks' token is given by a context",
    diagnostics: { codes: [7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-42",
    env: "a",
    result: "A component of its own gives it",
    diagnostics: { codes: [7031, 7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-43",
    env: "a",
    result: "A server action triggers and leaves the token in a cookie for its page",
    diagnostics: { codes: [7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-44",
    env: "a",
    result: "A server action triggers and gives the token to the page's address",
  },
  {
    id: "001-45",
    env: "a",
    result: "A page makes a token that reads its run",
    diagnostics: { codes: [7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-46",
    env: "a",
    result: "A run is loaded with the types of its task, and shown",
    diagnostics: { codes: [7031], because: UNTYPED_PROPS },
  },
  {
    id: "001-48",
    env: "e",
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
  { id: "001-47", env: "a", result: "A token that reads one run" },
  { id: "001-49", env: "a", result: "A global key is the same everywhere" },
  { id: "001-50", env: "a", result: "Triggers once with a key of parts" },
  { id: "001-51", env: "a", result: "Triggers once with a text as key" },
  {
    id: "001-52",
    env: "a",
    result:
      "Triggers, waits for 61 seconds (which come early here, so that the key still stands), triggers",
    runs: [completes("expiring-key", {}, { pauses: ["time"], children: ["stand-in-child"] })],
  },
  { id: "001-53", env: "b", result: "Triggers once for a payload" },
  {
    id: "001-54",
    env: "e",
    result: "Logs at every level",
    runs: [
      completes(
        "logging-example",
        { data: { some: "data" } },
        {
          says: [
            'debug Debug message {"some":"data"}',
            'log Log message {"some":"data"}',
            'info Info message {"some":"data"}',
            `warn You've been warned {"some":"data"}`,
            'error Error message {"some":"data"}',
          ],
        },
      ),
    ],
  },
  {
    id: "001-55",
    env: "dev",
    result: "Configures its agent: no retries in development",
    runs: [{ task: "fails", ends: "FAILED", attempts: 1 }],
  },
  {
    id: "001-56",
    env: "d",
    result: "The folder of the tasks",
    runs: [completes("configured", {})],
  },
  {
    id: "001-57",
    env: "d",
    result: "Hooks around every task",
    runs: [
      completes(
        "configured",
        {},
        { says: ["log Task started configured", "log Task succeeded configured"] },
      ),
      { task: "fails", ends: "FAILED", says: ["log Task failed fails"] },
    ],
  },
  {
    id: "001-58",
    env: "d",
    result: "Taken as it is written; spans go to the platform",
    runs: [completes("configured", {})],
  },
  {
    id: "001-59",
    env: "d",
    result: "Taken as it is written; the agent is Node.js",
    runs: [completes("configured", {})],
  },
  {
    id: "001-60",
    env: "d",
    result: "The machine of tasks that name none",
    runs: [completes("configured", {}, { output: { machine: "large-1x", maxDuration: 60 } })],
  },
  {
    id: "001-61",
    env: "d",
    result: "The least level that is logged",
    runs: [completes("configured", {}, { says: ["debug Debugging"] })],
  },
  {
    id: "001-62",
    env: "d",
    result: "The longest time of tasks that say nothing",
    runs: [completes("configured", {}, { output: { machine: "large-1x", maxDuration: 60 } })],
  },
  {
    id: "001-63",
    env: "d",
    result: "Taken as it is written; the agent bundles in its own way",
    runs: [completes("configured", {})],
  },
  { id: "001-64", env: "b", result: "Triggers with a payload the schema takes" },
];
