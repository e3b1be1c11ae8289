import { task } from "@trigger.dev/sdk";
import { apiCall } from "../stand-ins/services.ts";
// #region snippet
import { AbortTaskRunError } from "@trigger.dev/sdk";

export const apiTask = task({
  id: "api-task",
  retry: {
    maxAttempts: 5,
    factor: 2,
    minTimeoutInMs: 2000,
    maxTimeoutInMs: 30000,
    randomize: true,
  },
  run: async (payload, { ctx }) => {
    try {
      return await apiCall(payload);
    } catch (error) {
      // Don't retry validation/auth errors
      if (error.status === 400 || error.status === 401 || error.status === 403) {
        throw new AbortTaskRunError(`Unrecoverable: ${error.status}`);
      }
      throw error;  // Retry on transient errors
    }
  },
});
// #endregion
