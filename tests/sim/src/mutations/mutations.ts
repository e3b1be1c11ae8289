/**
 * Rules broken on purpose, one each: the proof that the checks would notice. Data: the file, the source text that stands
 * in it exactly once, what takes its place, and what is broken by it.
 */

export type Mutation = {
  readonly name: string;
  readonly file: string;
  /** Outside of `proto`: a test of its package that notices, where the simulation comes across it too seldom. */
  readonly test?: string;
  readonly source: string;
  readonly replacement: string;
  readonly breaks: string;
};

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "fence-skipped",
    file: "proto/src/run/evolve.ts",
    source: "isCurrent(run, data) ? succeed(run, data, seq) : run,",
    replacement: "succeed(run, data, seq),",
    breaks: "A result counts whoever states it: of an attempt that was taken away, too",
  },
  {
    name: "late-end-accepted",
    file: "proto/src/run/evolve.ts",
    source: 'finished: row("finished", facts<StateOf<"finished">>()),',
    replacement:
      'finished: row("finished", { ...facts<StateOf<"finished">>(), "attempt-succeeded": (run, { data, seq }) => succeed(run, data, seq) }),',
    breaks: "A run that has ended ends again",
  },
  {
    name: "stale-grant-accepted",
    file: "proto/src/run/steps.ts",
    source: "if (run.slot !== null || data.admission !== run.admission) return run;",
    replacement: "if (run.slot !== null) return run;",
    breaks: "A slot that was granted for an earlier admission counts for this one",
  },
  {
    name: "late-result-dropped",
    file: "proto/src/run/evolve.ts",
    source: "isLateResult(run, data) ? succeed(run, data, seq) : run,",
    replacement: "run,",
    breaks: "A lost agent's result does not count although nothing has started since",
  },
  {
    name: "obligation-dropped",
    file: "proto/src/run/obligations.ts",
    source: "return [timer(TIMER.retry, state.until)];",
    replacement: "return NONE;",
    breaks: "Nobody wakes a run that waits for its next attempt",
  },
  {
    name: "child-answered-twice",
    file: "proto/src/run/waits.ts",
    source: "if (!child || child.result !== null || child.runId !== result.id) return undefined;",
    replacement: "if (!child || child.runId !== result.id) return undefined;",
    breaks: "A child's result that is told again counts again",
  },
  {
    name: "slot-never-released",
    file: "services/coordinator/src/shard.ts",
    source: "        this.#admission.release(name.env, o.slot);\n",
    replacement: "",
    breaks: "The slot of a run that ended or waits is not given back",
  },
  {
    name: "slots-forgotten-at-takeover",
    file: "services/coordinator/src/shard.ts",
    source: "if (slot) this.#admission.hold(run.trigger.env, slot);",
    replacement: "if (slot === undefined) return;",
    breaks: "A new leader gives out slots that runs hold",
  },
  {
    name: "parent-not-told",
    file: "services/coordinator/src/shard.ts",
    source: "return tellParent(this.#effects, run, o);",
    replacement: "return undefined;",
    breaks: "A parent does not hear of its child's end",
  },
  {
    name: "lost-agents-ignored",
    file: "services/coordinator/src/shard.ts",
    source: "const runs = this.#dependents.of(agentId);",
    replacement: "const runs: ReadonlySet<string> = new Set();",
    breaks: "Runs of an agent that died wait for it for ever",
  },
  {
    name: "dispatched-before-granted",
    file: "services/coordinator/src/admission.ts",
    source: "else this.#gate(env, queue).join(run);",
    replacement: "else { this.#gate(env, queue).join(run); this.#launcher.launch(run); }",
    breaks: "A run of a limited queue is dispatched before it has a slot, and again when it has",
  },
  {
    name: "key-limit-ignored",
    file: "services/coordinator/src/key-gate.ts",
    source: "return limit !== null && this.#heldOf(key) >= limit;",
    replacement: "return limit !== null && this.#heldOf(key) > limit;",
    breaks: "One more run of a concurrency key executes than may",
  },
  {
    name: "lease-without-end",
    file: "services/kit/src/lease.ts",
    source: "return Math.max(0, this.#renewedAt + BELIEVE_MS - performance.now());",
    replacement: "return BELIEVE_MS;",
    breaks: "A leader that was away goes on giving slots beside its successor",
  },
  {
    name: "claim-without-compare",
    file: "services/worker-agent/src/agent/facts.ts",
    source: "expectLastSeq: lastSeq,",
    replacement: "",
    breaks: "Two agents claim one dispatch and both believe that they have the run",
  },
  {
    name: "claim-of-another-hold",
    file: "services/worker-agent/src/agent/claims.ts",
    test: "test/refused-claims.test.ts",
    source: 'if (decision.kind === "won" && !(await this.#isOwnClaim(run)))',
    replacement: 'if (decision.kind === "won" && run.claimId === "none")',
    breaks:
      "A dispatch that comes again starts the code again while its end is on its way into the log",
  },
  {
    name: "signal-before-claim-dropped",
    file: "services/worker-agent/src/agent/signals.ts",
    test: "test/signals.test.ts",
    source: "run.unheardSeq = Math.max(minSeq, run.unheardSeq ?? 0);",
    replacement: "run.unheardSeq = undefined;",
    breaks: "A cancellation is lost on an agent that waits for the answer to its claim",
  },
  {
    name: "claim-acknowledged-early",
    file: "services/worker-agent/src/agent/claims.ts",
    source: "    void this.#claim(run, dispatch, known).catch((error: unknown) => {",
    replacement:
      "    this.#options.nc.publish(delivery.reply, ACK);\n    void this.#claim(run, dispatch, known).catch((error: unknown) => {",
    breaks: "A dispatch is gone although the agent that took it died before it claimed the run",
  },
  {
    name: "one-attempt-too-many",
    file: "services/worker-agent/src/agent/retry.ts",
    source: "if (attempt >= Math.min(maxAttempts, MAX_ATTEMPTS)) return null;",
    replacement: "if (attempt > Math.min(maxAttempts, MAX_ATTEMPTS)) return null;",
    breaks: "A run is tried once more than its task says",
  },
  {
    name: "children-triggered-again",
    file: "services/worker-agent/src/agent/child-names.ts",
    source: "const tries = attempt - losses;",
    replacement: "const tries = attempt * 2 + losses;",
    breaks: "Code that is run again after a loss triggers its children anew",
  },
  {
    name: "told-is-told",
    file: "sdk/nats/src/run-client.ts",
    source: 'if (isTold && run.status !== "finished") return { ok: true };',
    replacement: "if (isTold) return { ok: true };",
    breaks: "A parent that is retried is not told again of a child it finds by its key",
  },
  {
    name: "wait-stored-late",
    file: "services/worker-agent/src/agent/children.ts",
    source: "if (waitSeq === undefined || (seq !== undefined && seq > waitSeq)) return;",
    replacement: "if (waitSeq === undefined || seq !== undefined) return;",
    breaks: "A child that ended before its parent's wait was stored is waited for, for ever",
  },
  {
    name: "timer-early",
    file: "proto/src/wire/timer.ts",
    source: "new Date(Math.min(dueAt, MAX_TIMESTAMP))",
    replacement: "new Date(Math.min(dueAt - 3000, MAX_TIMESTAMP))",
    breaks: "Timers fire three seconds before their time",
  },
  {
    name: "timer-named-twice",
    file: "proto/src/wire/timer.ts",
    source: "return `${runId}:${name}:${dueAt}:${admission}`;",
    replacement: "return admission < 0 ? name : `${runId}:${name}:${dueAt}`;",
    breaks: "A timer armed again for a time that has passed is taken for the one that fired",
  },
];
