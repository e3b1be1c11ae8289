/** A reason in a sentence. */
import { iso } from "../iso.ts";
import type { Reason } from "./explain.ts";

type ReasonOf<K extends Reason["kind"]> = Extract<Reason, { kind: K }>;

const SENTENCES: { readonly [K in Reason["kind"]]: (reason: ReasonOf<K>) => string } = {
  delayed: ({ until }) => `It is delayed until ${iso(until)}.`,
  backoff: ({ attempt, until }) =>
    `Its last attempt failed; attempt ${attempt} is due at ${iso(until)}.`,
  paused: ({ queue }) => `Queue "${queue}" is paused: none of its runs start until it is resumed.`,
  concurrency: (reason) =>
    `${lineOf(reason)} runs at most ${reason.limit} at once, and ${reason.held} ${reason.held === 1 ? "is" : "are"} running.`,
  "rate-limit": (reason) =>
    `${lineOf(reason)} starts at most ${count(reason.limit, "run")} in ${reason.periodMs} ms; the next may start at ${iso(reason.nextAt)}.`,
  place: (reason) =>
    reason.ahead === 0
      ? `It is the next to start in ${lineOf(reason, "q")}.`
      : `${count(reason.ahead, "run")} of ${lineOf(reason, "q")} ${reason.ahead === 1 ? "goes" : "go"} before it.`,
  "no-agent": ({ pool, preset, isolation, version, offered }) => {
    const wanted = `${preset}${isolation === "shared" ? " (shared)" : ""}`;
    const ofVersion = version === undefined ? "" : ` of version ${version}`;
    const instead =
      offered.length === 0
        ? "no agent of that pool is running"
        : `those there take ${offered.join(", ")}`;
    return `No agent of pool "${pool}" takes ${wanted} runs${ofVersion}: ${instead}.`;
  },
  "agents-busy": ({ capacity, executing }) =>
    `The agents that could take it have room for ${count(capacity, "run")} and execute ${executing}.`,
  executing: ({ agentId, since }) =>
    `It has been executing on agent ${agentId} since ${iso(since)}.`,
  "waiting-time": ({ until }) => `It waits until ${iso(until)}.`,
  "waiting-children": ({ open }) => `It waits for ${count(open, "run")} it triggered.`,
  "waiting-token": ({ tokenId, timeoutAt }) =>
    timeoutAt === undefined
      ? `It waits for token ${tokenId} to be completed.`
      : `It waits for token ${tokenId} to be completed, until ${iso(timeoutAt)} at the latest.`,
  finished: ({ at, outcome }) => `It ended at ${iso(at)}: ${outcome}.`,
};

export function sentenceOf(reason: Reason): string {
  return (SENTENCES[reason.kind] as (reason: Reason) => string)(reason);
}

function lineOf(
  { queue, key }: { readonly queue: string; readonly key?: string },
  initial: "q" | "Q" = "Q",
): string {
  const name = `${initial}ueue "${queue}"`;
  return key === undefined ? name : `${name} with key "${key}"`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
