/**
 * Requests that make sense, spoilt: to every route, by a seed. Whatever is sent,
 *
 * 1. it is answered, in time, and not with 5xx;
 * 2. a refusal is JSON with one of our codes, and changes nothing in the broker;
 * 3. nobody gets in who brings no credential for it, and no environment reaches into another;
 * 4. the processes go on, and find nothing to log as an error.
 */
import { Random } from "@millrace/harness";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  bodyOf,
  OPEN_ROUTES,
  REQUESTS,
  type Example,
  type Facts,
} from "../../../services/gateway/test/requests.ts";
import { movedBetween, positions, quietPositions } from "./broker-log.ts";
import { Client } from "./client.ts";
import { badCredentials } from "./credentials.ts";
import { draftOf, finished, type FuzzRequest } from "./draft.ts";
import { Installation } from "./installation.ts";
import { isRefused, problemOf, told } from "./judge.ts";
import { mutate, thinOut, type Around } from "./mutate.ts";

const SEED = Number(process.env["MILLRACE_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
/** How many are sent at least. */
const REQUESTS_MIN = Number(process.env["MILLRACE_FUZZ_REQUESTS"] ?? 20_000);
const A_ROUND = 500;
const MANY_PROBLEMS = 20;
/** How often a route's turn comes: where more can be said, more can be wrong. */
const TURNS = { plain: 1, withBody: 3, withOptions: 8 } as const;

let installation: Installation;
let client: Client;

beforeAll(async () => {
  installation = await Installation.start();
  client = new Client(installation.url);
});
afterAll(async () => {
  client.close();
  await installation.stop();
});

function turnsOf(facts: Facts): readonly (readonly [string, Example])[] {
  return Object.entries(REQUESTS).flatMap(([route, make]) => {
    const example = make(facts);
    const text = bodyOf(example);
    const turns =
      text === undefined
        ? TURNS.plain
        : text.includes('"maxDuration"')
          ? TURNS.withOptions
          : TURNS.withBody;
    return Array.from({ length: turns }, () => [route, example] as const);
  });
}

function generate(count: number, facts: Facts, around: Around): FuzzRequest[] {
  const { random } = around;
  const turns = turnsOf(facts);
  return Array.from({ length: count }, (_, at) => {
    // Each in turn: none is left out.
    const [route, example] = turns[at % turns.length] ?? ["", {}];
    const draft = draftOf(route, example, installation.dev.key);
    thinOut(draft, random);
    if (!random.chance(0.03)) mutate(draft, around);
    return finished(draft);
  });
}

/** Those that move the broker's streams although they are refused: each alone, and twice, for something else may move. */
async function writersAmong(requests: readonly FuzzRequest[]): Promise<string[]> {
  const writers: string[] = [];
  for (const request of requests) {
    const moved: string[][] = [];
    for (let times = 0; times < 2; times++) {
      const before =
        moved.length > 0 ? await quietPositions(installation.nc) : await positions(installation.nc);
      if (!isRefused(await client.send(request))) break;
      const now = movedBetween(before, await positions(installation.nc));
      if (now.length === 0) break;
      moved.push(now);
    }
    if (moved.length === 2)
      writers.push(`refused, yet it wrote to ${moved.flat().join(", ")}: ${told(request)}`);
  }
  return writers;
}

it(
  "withstands spoilt requests to every route",
  async () => {
    console.log(`MILLRACE_FUZZ_SEED=${SEED} MILLRACE_FUZZ_REQUESTS=${REQUESTS_MIN}`);
    const { dev, prod, nc } = installation;
    const running = (): boolean => installation.gateway.running && installation.coordinator.running;
    const pids = [installation.gateway.pid, installation.coordinator.pid];
    const around: Around = {
      random: new Random(SEED),
      foreign: await installation.makeFacts(prod),
      credentials: badCredentials({ env: dev.name, key: dev.key, otherKey: prod.key }),
      openRoutes: OPEN_ROUTES,
    };
    const problems: string[] = [];
    const statuses: Record<string, number> = {};
    while (client.sent < REQUESTS_MIN && problems.length < MANY_PROBLEMS && running()) {
      const requests = generate(A_ROUND, await installation.makeFacts(dev), around);
      const outcomes = await client.sendAll(requests);
      const refused: FuzzRequest[] = [];
      for (const [at, outcome] of outcomes.entries()) {
        const request = requests[at] as FuzzRequest;
        const problem = problemOf(request, outcome);
        if (problem) problems.push(`${problem}: ${told(request)}`);
        if (isRefused(outcome)) refused.push(request);
        const status = "status" in outcome ? outcome.status : "none";
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      // Those that were refused once more, by themselves: now nothing writes.
      const before = await quietPositions(nc);
      const again = await client.sendAll(refused);
      for (const [at, outcome] of again.entries()) {
        const problem = problemOf(refused[at] as FuzzRequest, outcome);
        if (problem) problems.push(`sent again: ${problem}: ${told(refused[at] as FuzzRequest)}`);
      }
      if (movedBetween(before, await positions(nc)).length > 0)
        problems.push(...(await writersAmong(refused)));
    }
    console.log(`${client.sent} requests; of those that were new:`, statuses);
    // First why a process ended, if one did: everything else follows from it.
    expect(installation.errors(), `seed ${SEED}`).toEqual([]);
    expect(problems.slice(0, MANY_PROBLEMS), `seed ${SEED}`).toEqual([]);
    expect(running()).toBe(true);
    expect([installation.gateway.pid, installation.coordinator.pid]).toEqual(pids);
  },
  REQUESTS_MIN * 30,
);
