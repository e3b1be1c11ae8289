/** Lets the development key in. */
import { registerKey, SecretBox, type NatsConnection } from "@millrace/nats";
import type { Environment } from "./environment.ts";
import { masterKeysOf } from "./secrets.ts";
import { DEV_ENV } from "./served-tasks.ts";

/** The same key again changes nothing. */
export async function registerDevKey(
  nc: NatsConnection,
  key: string,
  env: Environment,
  nowMs: number,
): Promise<void> {
  const box = await SecretBox.open(nc, masterKeysOf(env));
  await registerKey(nc, box, key, { env: DEV_ENV, createdAt: nowMs });
}
