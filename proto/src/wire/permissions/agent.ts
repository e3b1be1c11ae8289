import { isolationSchema, laneOf, PRESETS } from "../../machines.ts";
import { CONFIG_KEYS } from "../../registry/installation.ts";
import { BUCKETS, dispatchConsumer, RESUME } from "../streams.ts";
import { confinedGet, confinedReads, kv } from "./buckets.ts";
import { client } from "./client.ts";
import { acks, API, events } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** Runs the code of one environment, which may do all that an app may. */
export function agent(env: string, pools: readonly string[]): Partial<Permissions> {
  const { publish = [], subscribe = [] } = client(env);
  return {
    publish: [
      ...publish,
      ...events(env, "agent", "meta"),
      `otel.${env}.*`,
      kv(BUCKETS.agents.name, `${env}.*`),
      kv(BUCKETS.tasks.name, `${env}.*`),
      ...confinedReads(BUCKETS.envvars.name, `${env}.>`),
      confinedGet(BUCKETS.config.name, CONFIG_KEYS.schema),
      confinedGet(BUCKETS.config.name, CONFIG_KEYS.masterKey),
      ...pools.flatMap((pool) => lanes(env, pool)),
      // Each agent has a consumer of its own, by a name nobody can guess.
      `${API}.CONSUMER.CREATE.${RESUME.name}.*.resume.${env}.*.>`,
      `${API}.CONSUMER.INFO.${RESUME.name}.*`,
      `${API}.CONSUMER.MSG.NEXT.${RESUME.name}.*`,
      ...acks(RESUME.name, "*"),
    ],
    subscribe,
  };
}

/** Taking runs of one pool, and of no other: a lane's consumer has a name that everybody knows. */
function lanes(env: string, pool: string): string[] {
  return PRESETS.flatMap((preset) =>
    isolationSchema.options.flatMap((isolation) => {
      const lane = dispatchConsumer(env, pool, laneOf(preset, isolation));
      const { stream, durable_name: name, filter_subject: filter } = lane;
      return [
        `${API}.CONSUMER.CREATE.${stream}.${name}.${filter}`,
        `${API}.CONSUMER.INFO.${stream}.${name}`,
        `${API}.CONSUMER.MSG.NEXT.${stream}.${name}`,
        ...acks(stream, name),
      ];
    }),
  );
}
