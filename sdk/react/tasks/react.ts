/** Tasks of the hooks' tests. */
import { metadata, streams, task } from "@millrace/sdk";

export const greet = task({
  id: "greet",
  run: async ({ name }: { name: string }) => {
    metadata.set("step", "greeting");
    return { greeting: `Hello, ${name}` };
  },
});

export const fail = task({
  id: "fail",
  retry: { maxAttempts: 1 },
  run: async () => {
    throw new Error("No luck");
  },
});

export const echo = task({
  id: "echo",
  run: async (payload: { at: Date; text: string }) => payload,
});

export const words = streams.define<string>({ id: "words" });

export const count = task({
  id: "count",
  run: async ({ parts, pauseMs }: { parts: number; pauseMs: number }) => {
    const { waitUntilComplete } = streams.writer<number>("numbers", {
      execute: async ({ write }) => {
        for (let n = 0; n < parts; n++) {
          write(n);
          metadata.set("n", n);
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      },
    });
    await words.append("first");
    await words.append("second");
    await waitUntilComplete();
    return parts;
  },
});
