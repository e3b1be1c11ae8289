/** Before all tests: says where their brokers run and, when they cannot run there, skips every test and says why. */
import type { TestProject } from "vitest/node";
import {
  brokerImage,
  containerRuntime,
  containersAreWanted,
  ensureCleaner,
  NoContainersError,
} from "../src/container-runtime.ts";

const NO_TEST = /(?!)/;

export async function setup({ vitest }: TestProject): Promise<void> {
  if (!containersAreWanted()) return;
  try {
    const cleaner = await ensureCleaner(await containerRuntime());
    const cleaning =
      cleaner === "ryuk"
        ? "Ryuk removes what is left of them"
        : "TESTCONTAINERS_RYUK_DISABLED=true, because Ryuk's image is not there; a process of our own removes what is left of them";
    vitest.logger.log(
      `Brokers run in containers of ${brokerImage()}, but for those that docs/testing.md names; ${cleaning}.`,
    );
  } catch (error) {
    if (!(error instanceof NoContainersError)) throw error;
    vitest.setGlobalTestNamePattern(NO_TEST);
    vitest.logger.warn(
      `EVERY TEST IS SKIPPED: MILLRACE_TEST_BROKER=container, but ${error.message}`,
    );
  }
}
