/** Changes of runs: replayed, rescheduled, tagged. */
import {
  encodeEvent,
  evolve,
  fold,
  LIMITS,
  parseMoment,
  readTags,
  noSuchRun,
  refuse,
  runSubject,
  runSubjects,
  viewOf,
  type EventData,
  type LiveRun,
  type Refusal,
  type Role,
} from "@millrace/proto";
import { BrokerUnavailableError } from "../errors.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

const DEADLINE_MS = 5000;

export function runCalls(platform: Platform): {
  readonly "runs.replay": Answering<"runs.replay">;
  readonly "runs.reschedule": Answering<"runs.reschedule">;
  readonly "runs.addTags": Answering<"runs.addTags">;
} {
  return {
    "runs.replay": async (env, { runId, payload, region }) => {
      const replayed = await platform.client.replay(env, runId, { payload, region });
      return replayed.ok ? answer({ id: replayed.runId }) : replayed;
    },
    "runs.reschedule": async (env, { runId, delay }) => {
      const nowMs = Date.now();
      const until = parseMoment(delay, nowMs);
      if (until === undefined || until <= nowMs)
        return refuse(
          "INVALID_OPTION",
          `delay must be a duration such as "1h30m" or an ISO 8601 date to come, not ${JSON.stringify(delay)}`,
        );
      const changed = await append(platform, env, runId, "client", "rescheduled", (run) =>
        run.status === "delayed"
          ? { at: nowMs, until }
          : refuse("RUN_NOT_DELAYED", `Run ${runId} is not delayed any more`),
      );
      return changed.ok ? answer(viewOf(changed.run)) : changed;
    },
    "runs.addTags": async (env, { runId, tags }) => {
      const read = readTags(tags);
      if (!Array.isArray(read)) return read;
      const changed = await append(platform, env, runId, platform.role, "tags-added", (run) => {
        const added = read.filter((tag) => !run.tags.includes(tag));
        if (added.length === 0) return undefined;
        const count = run.tags.length + added.length;
        if (count > LIMITS.tags)
          return refuse(
            "TOO_MANY_TAGS",
            `A run has at most ${LIMITS.tags} tags; with these ${runId} would have ${count}`,
          );
        return { at: Date.now(), tags: added };
      });
      return changed.ok ? answer({ tags: changed.run.tags }) : changed;
    },
  };
}

/**
 * Adds a fact that was decided on the run's present state: nothing comes between. `decide` may be called several times;
 * undefined: there is nothing to add.
 * @throws BrokerUnavailableError when the run changes faster for 5 s
 */
async function append<T extends "rescheduled" | "tags-added">(
  { client, publisher }: Platform,
  env: string,
  runId: string,
  role: Role,
  type: T,
  decide: (run: LiveRun) => EventData<T> | undefined | Refusal,
): Promise<{ readonly ok: true; readonly run: LiveRun } | Refusal> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { events, lastSeq } = await client.reader.log(env, runId);
    const run = fold(events);
    if (run.status === "absent") return noSuchRun(runId);
    const data = decide(run);
    if (data === undefined) return { ok: true, run };
    if ("ok" in data) return data;
    const published = await publisher.publish(
      runSubject(env, runId, role),
      encodeEvent(type, data),
      { type, expectLastSeq: lastSeq, expectOn: runSubjects(env, runId) },
    );
    if (published.kind === "stored") {
      const event = { type, seq: published.seq, runId, data };
      const next = evolve(run, event as Parameters<typeof evolve>[1]);
      return { ok: true, run: next.status === "absent" ? run : next };
    }
    if (Date.now() > deadline)
      throw new BrokerUnavailableError(`Run ${runId} changes too fast to be changed`);
  }
}
