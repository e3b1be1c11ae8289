/** Writing a run's realtime stream. */
import {
  encodeBody,
  LIMITS,
  noSuchRun,
  outputSubject,
  refuse,
  type OutputMessage,
} from "@millrace/proto";
import { once } from "../publisher.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

/** A run that has just ended may be written to this long: its state is not read for every chunk. */
const RECENT_MS = 2000;

export function streamCalls({ publisher, runs }: Platform): {
  readonly "streams.append": Answering<"streams.append">;
} {
  return {
    "streams.append": async (env, { runId, key, chunks, end }) => {
      const tooLarge = chunks.find((chunk) => Buffer.byteLength(chunk) > LIMITS.streamChunkBytes);
      if (tooLarge !== undefined)
        return refuse(
          "PAYLOAD_TOO_LARGE",
          `A chunk of a stream has at most ${LIMITS.streamChunkBytes / 1024} KB, not ${Math.ceil(Buffer.byteLength(tooLarge) / 1024)}`,
        );
      const run = await runs.get(env, runId, RECENT_MS);
      if (!run) return noSuchRun(runId);
      if (run.status === "finished")
        return refuse("RUN_FINISHED", `Run ${runId} has ended: its streams are closed`);
      const at = Date.now();
      const messages: OutputMessage[] = chunks.map((data) => ({ at, data }));
      if (end === true) messages.push({ at, end: true });
      const subject = outputSubject(env, runId, key);
      await Promise.all(
        messages.map((message) =>
          publisher.publish(subject, encodeBody(message), { headers: once() }),
        ),
      );
      return answer({ ok: true });
    },
  };
}
