/** Which streams a run has: their keys, in its metadata. What follows a run's streams finds them there. */
import { currentRun } from "../host.ts";
import { callPlatform } from "../platform.ts";

const METADATA_KEY = "$$streams";
const KEY = Symbol.for("millrace.announced-streams.v1");

/** Outside a run: what this process has announced. The oldest are forgotten, and then announced once more. */
const announced = new Set<string>();
const REMEMBERED = 10_000;

/** The keys a run's metadata announces, each once. */
export function announcedStreams(metadata: unknown): readonly string[] {
  if (typeof metadata !== "object" || metadata === null) return [];
  const keys = (metadata as Readonly<Record<string, unknown>>)[METADATA_KEY];
  if (!Array.isArray(keys)) return [];
  return [...new Set(keys.filter((key): key is string => typeof key === "string"))];
}

/**
 * Writes the key into the run's metadata, if it is not there: also when the code is run again, or several write.
 * @throws ApiError
 */
export async function announceStream(runId: string, key: string): Promise<void> {
  const known = rememberedIn();
  const name = JSON.stringify([runId, key]);
  if (known.has(name)) return;
  known.add(name);
  const [oldest] = known;
  if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
  try {
    const { metadata } = await callPlatform("metadata.retrieve", { runId });
    if (announcedStreams(metadata).includes(key)) return;
    await callPlatform("metadata.update", {
      runId,
      operations: [{ type: "append", key: METADATA_KEY, value: key }],
    });
  } catch (error) {
    known.delete(name);
    throw error;
  }
}

function rememberedIn(): Set<string> {
  const storage = currentRun()?.storage;
  if (!storage) return announced;
  const known = storage.get(KEY) as Set<string> | undefined;
  if (known) return known;
  const fresh = new Set<string>();
  storage.set(KEY, fresh);
  return fresh;
}
