/** The first task. */
import { completes, type Snippet } from "./snippet.ts";

export const DOCUMENT_4: readonly Snippet[] = [
  { id: "004-01", env: "c", result: "Runs", runs: [completes("hello-world", { message: "Hi" })] },
  {
    id: "004-02",
    env: "c",
    result: "Triggers, with a payload its task does not expect",
    diagnostics: {
      codes: [2353],
      because:
        "the document triggers with `{ payload: { message } }` a task that takes `{ message }`",
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
