/** What the user wants of the broker that is started: from the command line, else from the environment. */
import { DEFAULT_DURABILITY, DURABILITIES, type Durability } from "@millrace/broker";
import type { Environment } from "./environment.ts";
import { StartError } from "./stopping.ts";

/** @throws StartError for a name that is not known, and where it is said of a broker that is not started here */
export function durabilityOf(given: Durability | null, env: Environment): Durability {
  const named = given ?? (env["MILLRACE_DURABILITY"] || undefined);
  if (named === undefined) return DEFAULT_DURABILITY;
  if (env["MILLRACE_NATS_URL"])
    throw new StartError(
      `The durability "${named}" is for a broker that is started here, and MILLRACE_NATS_URL names another: configure that one`,
    );
  const durability = DURABILITIES.find((known) => known === named);
  if (durability === undefined)
    throw new StartError(
      `MILLRACE_DURABILITY must be ${DURABILITIES.join(" or ")}, not "${named}"`,
    );
  return durability;
}
