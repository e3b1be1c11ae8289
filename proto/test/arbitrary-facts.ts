/** Facts in any order, repeated, late and forged, for property tests. */
import fc from "fast-check";
import type { MetadataOperation, RunEvent } from "../src/index.ts";
import {
  awaited,
  cancel,
  canceled,
  childDone,
  type Fact,
  failed,
  fired,
  forked,
  granted,
  grantedIn,
  log,
  lost,
  metadata,
  released,
  replacement,
  rescheduled,
  resumed,
  started,
  succeeded,
  tagged,
  tokenDone,
  triggered,
  waitsFor,
  waitsForChildrenAt,
  waitsForChildrenOn,
  waitsForToken,
} from "./events.ts";

const attempt = fc.integer({ min: 1, max: 4 });
const agent = fc.constantFrom("a1", "a2");
const admission = fc.integer({ min: 1, max: 5 });
const slot = fc.constantFrom("s1", "s2");
const retry = fc.constantFrom(
  null,
  { at: 3500, where: "agent" as const },
  { at: 90_000, where: "queue" as const },
  { at: 90_000, where: "queue" as const, machine: "large-1x" as const },
);

const step = fc.constantFrom("a", "b", "0", "1", "*", "4000000000", "constructor", "__proto__", "");
const key = fc.oneof(
  step,
  fc.array(step, { maxLength: 4 }).map((steps) => `$.${steps.join(".")}`),
  fc.tuple(step, fc.nat(5)).map(([name, index]) => `$.${name}[${index}]`),
  fc.string({ maxLength: 5 }).map((text) => `$.${text}`),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(undefined, new Date(0), -0, Number.NaN, [undefined], { a: undefined }),
);

/** Any operation, also such as the schema would refuse. */
export const metadataOperation: fc.Arbitrary<MetadataOperation> = fc.oneof(
  fc.record({ type: fc.constantFrom("set", "append", "remove"), key, value }),
  fc.record({ type: fc.constant("delete"), key }),
  fc.record({ type: fc.constant("increment"), key, value: fc.double() }),
  fc.record({ type: fc.constant("update"), value: fc.dictionary(fc.string(), value) }),
);

export const fact: fc.Arbitrary<Fact> = fc.oneof(
  fc
    .tuple(attempt, agent, fc.boolean(), fc.constantFrom(undefined, "v2"))
    .map(([n, a, continues, version]) =>
      started(n, a, { continues, ...(version === undefined ? {} : { version }) }),
    ),
  fc.tuple(attempt, agent).map(([n, a]) => succeeded(n, a)),
  fc.tuple(retry, attempt, agent).map(([r, n, a]) => failed(r, n, a)),
  fc.tuple(admission, slot).map(([n, s]) => granted(n, s)),
  fc.tuple(fc.constantFrom("", "k"), admission, slot).map(([k, n, s]) => grantedIn(k, n, s)),
  fc.tuple(attempt, agent).map(([n, a]) => lost(n, a)),
  fc.tuple(attempt, agent).map(([n, a]) => released(n, a)),
  fc.tuple(attempt, agent).map(([n, a]) => canceled(n, a)),
  fc.integer({ min: 0, max: 2 }).map((i) => waitsFor(i)),
  agent.map((a) => waitsForChildrenOn(a, "c1", "c2", "shared")),
  fc.constantFrom(waitsForChildrenAt(1, "c1", "c9"), childDone(1, "c9", 1)),
  fc
    .tuple(fc.constantFrom("t1", "t2"), fc.constantFrom(undefined, 60_000), fc.nat(2))
    .map(([id, timeoutAt, index]) => waitsForToken(id, timeoutAt, index)),
  fc.constantFrom(
    childDone(0, "c1"),
    childDone(1, "c2"),
    childDone(2, "shared"),
    childDone(0, "c1", 1),
  ),
  fc.tuple(fc.constantFrom("t1", "t2"), fc.nat(2)).map(([id, index]) => tokenDone(id, index)),
  fc.constantFrom(
    fired("delay", 9000),
    fired("delay", 12_000),
    fired("retry", 90_000),
    fired("wait-0", 60_000),
    fired("wait-0", 59_000),
    fired("wait-1", 60_000),
    fired("ttl", 6000),
  ),
  admission.map((n) => resumed(n)),
  fc.constant(cancel),
  fc.constantFrom(rescheduled(9000), rescheduled(12_000), rescheduled(12_000, replacement)),
  fc.uniqueArray(fc.constantFrom("a", "b", "second"), { maxLength: 2 }).map((t) => tagged(...t)),
  fc.array(metadataOperation, { maxLength: 3 }).map((operations) => metadata(...operations)),
  fc.tuple(fc.constantFrom("p1", "p2"), fc.nat(1)).map(([parent, index]) => awaited(parent, index)),
);

export const trigger = fc.constantFrom(
  triggered(),
  triggered({ delayUntil: 9000 }),
  triggered({ ttlMs: 5000 }),
  triggered({ fork: forked }),
  triggered({
    tags: ["a"],
    metadata: { data: '{"a":{"b":[1]},"__proto__":1}', type: "application/json" },
    parent: { runId: "p1", waitIndex: 0, childIndex: 0 },
    version: "v1",
    concurrencyKey: "k",
  }),
);

/** A trigger, and whatever is said after it. */
export const history: fc.Arbitrary<RunEvent[]> = fc
  .tuple(trigger, fc.array(fact, { maxLength: 40 }))
  .map(([first, rest]) => log(first, ...rest));
