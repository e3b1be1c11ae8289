import { logger, task } from "@trigger.dev/sdk";
export const logging = task({
  id: "logging-conventions",
  run: async (payload: { id: string; requestId: string }, { ctx }) => {
    const correlationId = payload.id;
    const startTime = Date.now();
    const error = new Error("as an example");
// #region snippet
// Format: {operation}_{phase} in snake_case — ALWAYS
logger.info("document_process_started", {
  correlation_id: `doc-${payload.id.slice(0, 8)}`,
  request_id: payload.requestId,
  run_id: ctx.run.id,
});

logger.info("document_process_completed", {
  correlation_id: correlationId,
  processing_time_ms: Date.now() - startTime,
});

logger.error("document_process_failed", {
  correlation_id: correlationId,
  error_type: error.name,
  error_message: error.message,
});
// #endregion
  },
});
