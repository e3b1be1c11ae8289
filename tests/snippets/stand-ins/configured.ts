/** Tasks that show what a configuration says. */
import { logger, task } from "@trigger.dev/sdk";

export const fails = task({
  id: "fails",
  run: async () => {
    throw new Error("As always");
  },
});

export const configured = task({
  id: "configured",
  run: async (_payload, { ctx }) => {
    logger.debug("Debugging");
    return { machine: ctx.machine.preset, maxDuration: ctx.run.maxDuration };
  },
});
