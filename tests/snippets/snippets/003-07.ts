import { task } from "@trigger.dev/sdk";
// #region snippet
import { queue } from "@trigger.dev/sdk";

// Per-task limit
export const limitedTask = task({
  id: "limited-task",
  queue: { concurrencyLimit: 10 },
  run: async (payload) => { /* ... */ },
});

// Shared queue (multiple tasks share concurrency pool)
const apiQueue = queue({ name: "api-queue", concurrencyLimit: 10 });

export const taskA = task({ id: "task-a", queue: apiQueue, run: async () => {} });
export const taskB = task({ id: "task-b", queue: apiQueue, run: async () => {} });
// #endregion
