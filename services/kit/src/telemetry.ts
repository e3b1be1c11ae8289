/**
 * OpenTelemetry hooks: the API only. Without an SDK registered in the process (for example by
 * `node --import @opentelemetry/auto-instrumentations-node/register`) they do nothing and cost next to nothing.
 */
import { metrics, type Meter } from "@opentelemetry/api";

export function meterOf(service: string): Meter {
  return metrics.getMeter(`millrace.${service}`);
}
