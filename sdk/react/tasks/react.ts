/** Tasks of the hooks' tests. */
import { metadata, task } from "@millrace/sdk";

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
