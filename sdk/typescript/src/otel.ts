/** The `otel` namespace: OpenTelemetry beside the platform's own use of it. */
import { context, metrics, ROOT_CONTEXT } from "@opentelemetry/api";

export const otel = {
  /** Runs the code outside of the run's trace: its spans begin a trace of their own. */
  withExternalTrace: <T>(code: () => T): T => context.with(ROOT_CONTEXT, code),

  metrics,
} as const;
