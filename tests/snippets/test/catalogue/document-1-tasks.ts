/** The rules for writing tasks: tasks, hooks and triggers. */
import { completes, isScheduled, type Snippet } from "./snippet.ts";

export const DOCUMENT_1_TASKS: readonly Snippet[] = [
  { id: "001-02", env: "a", result: "Runs", runs: [completes("hello-world", { message: "Hi" })] },
  {
    id: "001-03",
    env: "b",
    result: "Runs",
    runs: [completes("hello-world", { message: "Hi" }, { says: ["log Hi"] })],
  },
  { id: "001-04", env: "a", result: "Runs", runs: [completes("task-with-retries", {})] },
  { id: "001-05", env: "a", result: "Runs, one at a time", runs: [completes("one-at-a-time", {})] },
  { id: "001-06", env: "a", result: "Runs on large-1x", runs: [completes("heavy-task", {})] },
  {
    id: "001-07",
    env: "a",
    result: "Runs, at most five minutes",
    runs: [completes("long-task", {})],
  },
  {
    id: "001-08",
    env: "a",
    result: "What init returned reaches run, with its type",
    runs: [completes("task-with-init", {}, { says: ["log someValue"] })],
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
    id: "001-14",
    env: "a",
    result: "Runs with a schedule's payload, its dates as dates",
    runs: [
      isScheduled("first-scheduled-task", {
        says: ["log 2026-01-01T02:00:00.000Z", "log Asia/Tokyo", "log reader"],
      }),
    ],
  },
  {
    id: "001-15",
    env: "b",
    result: "Declares a schedule",
    runs: [isScheduled("first-scheduled-task")],
  },
  {
    id: "001-16",
    env: "a",
    result: "Declares a schedule in a time zone",
    runs: [isScheduled("second-scheduled-task")],
  },
  { id: "001-17", env: "b", result: "Makes a schedule, once" },
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
    result:
      "Triggers a batch; then fails as in any JavaScript: it reads `batch` where it declares it",
    runs: [
      {
        task: "my-task",
        payload: "x",
        ends: "FAILED",
        error: "before initialization",
        children: ["my-other-task"],
      },
    ],
    diagnostics: {
      codes: [7022, 2448, 2339],
      because:
        "`const batch = await batch.retrieve(…)` reads itself, and a batch's id is `batchId`",
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
    runs: [
      completes("parent-task", "x", {
        children: ["child-task-1", "child-task-2"],
        says: ["log Child task 1 output Hello World", "log Child task 2 output 84"],
      }),
    ],
  },
  {
    id: "001-28",
    env: "dev",
    result: "Triggers two tasks, and retrieves their runs",
    runs: [completes("parent-task", "x", { children: ["child-task-1", "child-task-2"] })],
  },
  {
    id: "001-29",
    env: "f",
    result: "Waits for two tasks; each result with its type",
    runs: [
      completes("parent-task", "x", {
        children: ["child-task-1", "child-task-2"],
        says: ["log Child task 1 output Hello World", "log Child task 2 output 84"],
      }),
    ],
  },
];
