const result = { value: 42 };
// #region snippet
import { task, schemaTask, logger, metadata } from "@trigger.dev/sdk";
import { z } from "zod";

// Basic task
export const myTask = task({
  id: "my-task",  // globally unique, lowercase, hyphens OK
  run: async (payload, { ctx }) => {
    // ctx.run.id, ctx.task.id, ctx.attempt.number, ctx.environment.type
    return result;
  },
});

// Schema-validated task (preferred)
export const validatedTask = schemaTask({
  id: "validated-task",
  schema: z.object({
    userId: z.string().uuid(),
    amount: z.number().positive(),
  }),
  run: async (payload) => {
    // payload is validated and typed
  },
});
// #endregion
