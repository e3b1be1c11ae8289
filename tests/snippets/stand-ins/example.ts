/** The task that server actions trigger. */
import { task } from "@trigger.dev/sdk";

export const exampleTask = task({
  id: "example",
  run: async (payload: { foo: string }) => payload.foo,
});
