/** Before the tests: where there is no Helm, the run says so and why. */
import type { TestProject } from "vitest/node";
import { helmMissing } from "./helm.ts";

export function setup({ vitest }: TestProject): void {
  if (helmMissing !== undefined)
    vitest.logger.warn(`THE CHART IS NOT RENDERED, its tests are skipped: no helm: ${helmMissing}`);
}
