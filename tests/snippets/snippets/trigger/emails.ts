import { task } from "@trigger.dev/sdk/v3";

export const emailSequence = task({
  id: "email-sequence",
  run: async (payload: { to: string; name: string }) => `Dear ${payload.name}`,
});
