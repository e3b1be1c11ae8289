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

const keyed = queue({ name: "keyed-10", concurrencyLimit: 10 });

export const keyedShared = task({
  id: "noop-keyed",
  isolation: "shared",
  queue: keyed,
  run: () => null,
});

const now = (): number => performance.timeOrigin + performance.now();

export const timed = task({ id: "timed", isolation: "shared", run: now });

/** One call with many children: when it was made, when the last child ran, when its answer came. */
export const fanOut = task({
  id: "fan-out",
  machine: "micro",
  run: async (items: number) => {
    const calledAt = now();
    const { runs } = await timed.batchTriggerAndWait(
      Array.from({ length: items }, () => ({ payload: undefined })),
    );
    const resumedAt = now();
    const lastChildAt = Math.max(...runs.map((run) => (run.ok ? run.output : Number.NaN)));
    return { calledAt, lastChildAt, resumedAt };
  },
});

/** `at`: when it was triggered; 0: nobody wants to know. */
type Measured = { readonly at: number };

const since = ({ at }: Measured): number | null => (at > 0 ? now() - at : null);

export const measuredShared = task({ id: "measured-shared", isolation: "shared", run: since });

export const measuredProcess = task({ id: "measured-process", machine: "micro", run: since });

/** Long enough for whoever hears of it to follow it while it runs. */
export const nap = task({
  id: "nap",
  isolation: "shared",
  run: async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
  },
});

/** Waits for something else, as most tasks do. */
export const io = task({
  id: "io",
  machine: "micro",
  isolation: "shared",
  run: async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return null;
  },
});
