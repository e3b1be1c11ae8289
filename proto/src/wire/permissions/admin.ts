import { CONFIG_KEYS } from "../../registry/installation.ts";
import { BUCKETS, OUTPUT, RUNS, TELEMETRY } from "../streams.ts";
import { kv, reads } from "./buckets.ts";
import { API, reading } from "./requests.ts";
import type { Permissions } from "./roles.ts";

/** Sees everything and changes secrets; runs, and the layout of the broker, are not its to change. */
export function admin(): Partial<Permissions> {
  return {
    publish: [
      `${API}.INFO`,
      `${API}.STREAM.NAMES`,
      `${API}.STREAM.LIST`,
      `${API}.STREAM.INFO.*`,
      `${API}.STREAM.MSG.GET.*`,
      `${API}.DIRECT.GET.>`,
      `${API}.CONSUMER.NAMES.*`,
      `${API}.CONSUMER.LIST.*`,
      `${API}.CONSUMER.INFO.*.*`,
      ...STREAMS_WITHOUT_WORK.flatMap((name) => reading(name)),
      ...Object.values(BUCKETS).flatMap(({ name }) => reads(name)),
      kv(BUCKETS.keys.name, ">"),
      kv(BUCKETS.envvars.name, ">"),
      kv(BUCKETS.config.name, CONFIG_KEYS.masterKey),
    ],
  };
}

/** Reading from a work queue would take work away. */
const STREAMS_WITHOUT_WORK = [RUNS.name, OUTPUT.name, TELEMETRY.name];
