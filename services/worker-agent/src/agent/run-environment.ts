/**
 * What run processes are started with: the agent's own environment, and over it the variables that are kept for its
 * runs. A variable that changes is there for every process that starts after it; those that run keep what they have.
 */
import { EnvVars, SecretBox, type Environment, type ServiceContext } from "@millrace/service-kit";
import type { AgentConfig } from "../config.ts";

type Context = Pick<ServiceContext<AgentConfig>, "config" | "log" | "nc" | "onStop">;

/** Resolves when the variables there are have been read. */
export async function followRunEnvironment(
  { config, log, nc, onStop }: Context,
  own: Environment,
): Promise<() => Environment> {
  const vars = await EnvVars.open(nc, await SecretBox.open(nc, config.MILLRACE_MASTER_KEY));
  const values = new Map<string, string>();
  const feed = await vars.follow(config.MILLRACE_ENV, values, (name) =>
    log.error({ name }, "a variable is sealed with another MILLRACE_MASTER_KEY: runs go without"),
  );
  onStop("environment variables", () => feed.stop());
  return () => ({ ...own, ...Object.fromEntries(values) });
}
