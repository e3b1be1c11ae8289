/** The benchmark's tasks: nothing but the platform's own cost. */
import { queue, task } from "@millrace/sdk";

const limited = queue({ name: "limited-50", concurrencyLimit: 50 });

export const shared = task({ id: "noop-shared", isolation: "shared", run: () => null });

export const limitedShared = task({
  id: "noop-limited",
  isolation: "shared",
  queue: limited,
  run: () => null,
});

export const isolated = task({ id: "noop-process", machine: "micro", run: () => null });

/** Tells when its first line ran. */
export const firstLine = task({
  id: "first-line",
  machine: "micro",
  run: () => performance.timeOrigin + performance.now(),
});
