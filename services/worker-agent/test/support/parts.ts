/** What parts of an agent are given when they are tried by themselves. */
import type { Logger } from "@millrace/service-kit";
import type { Lane } from "../../src/agent/places.ts";

/** Room for one run. */
export const lane: Lane = {
  name: "small-1x",
  preset: "small-1x",
  isolation: "process",
  size: { milliCpus: 500, mb: 512 },
  capacity: 1,
};

export const silent = { warn: () => undefined, error: () => undefined } as unknown as Logger;
