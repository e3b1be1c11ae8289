/**
 * What a broker has acknowledged and then lost: when it is killed, and when its machine loses power (simulated from the
 * writes and fsyncs it made, see `power-loss.ts` of the harness). `fast` loses then, which also shows that the
 * simulation takes something away.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BrokerNode, canTrace, copyAfterPowerLoss, until } from "@millrace/harness";
import { connectBroker, Publisher, type NatsConnection } from "@millrace/nats";
import { afterAll, describe, expect, test } from "vitest";

const SUBJECT = "fact";
/** Killed while more than so many are acknowledged and others are on their way. */
const ACKNOWLEDGED = 300;
const AT_ONCE = 20;

const dir = mkdtempSync(join(tmpdir(), "millrace-durability-"));
const nodes: BrokerNode[] = [];
const connections: NatsConnection[] = [];
afterAll(async () => {
  await Promise.all(connections.map((nc) => nc.close()));
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(dir, { recursive: true, force: true });
});

async function connect(node: BrokerNode): Promise<NatsConnection> {
  const nc = await connectBroker({ url: node.url, name: "test" });
  connections.push(nc);
  return nc;
}

/** Publishes until the broker is killed. What it has acknowledged by then. */
async function killedUnderLoad(node: BrokerNode): Promise<string[]> {
  const nc = await connect(node);
  const config = { name: "FACTS", subjects: [`${SUBJECT}.*`], storage: "file", allow_direct: true };
  await nc.request("$JS.API.STREAM.CREATE.FACTS", JSON.stringify(config));
  const publisher = new Publisher(nc);
  const acknowledged: string[] = [];
  let next = 0;
  let isKilled = false;
  const publishOn = async (): Promise<void> => {
    while (!isKilled) {
      const name = `${SUBJECT}.${next++}`;
      const done = await publisher.publish(name, new Uint8Array(200)).catch(() => undefined);
      if (done?.kind === "stored" && !isKilled) acknowledged.push(name);
    }
  };
  const load = Array.from({ length: AT_ONCE }, publishOn);
  await until("enough is acknowledged", () => acknowledged.length > ACKNOWLEDGED, 60_000);
  await node.crash();
  isKilled = true;
  await nc.close();
  await Promise.all(load);
  return acknowledged;
}

/** What a broker that starts on this store has not, of what was acknowledged. */
async function lostOf(acknowledged: readonly string[], store: string): Promise<string[]> {
  const node = new BrokerNode({ name: store, dir });
  nodes.push(node);
  await node.start();
  const nc = await connect(node);
  const ask = JSON.stringify({ subjects_filter: ">" });
  const answer = await nc.request("$JS.API.STREAM.INFO.FACTS", ask);
  const { state } = answer.json<{ state?: { subjects?: Record<string, number> } }>();
  const there = new Set(Object.keys(state?.subjects ?? {}));
  return acknowledged.filter((name) => !there.has(name));
}

async function killed(durability: "fast" | "strict", traceFile?: string) {
  const name = `${durability}-${traceFile ? "traced" : "plain"}`;
  const node = new BrokerNode({ name, dir, durability, traceFile });
  nodes.push(node);
  await node.start();
  return { acknowledged: await killedUnderLoad(node), storeDir: node.storeDir };
}

describe.each(["fast", "strict"] as const)("%s: of what was acknowledged", (durability) => {
  test("a broker that starts from a copy of a killed one's store has everything", async () => {
    const { acknowledged, storeDir } = await killed(durability);
    cpSync(join(storeDir, "jetstream"), join(dir, `${durability}-copy`, "jetstream"), {
      recursive: true,
    });
    expect(await lostOf(acknowledged, `${durability}-copy`)).toEqual([]);
  });

  test.skipIf(!canTrace())(
    `a power failure loses ${durability === "strict" ? "nothing" : "what had not been synced"} (needs strace)`,
    async () => {
      const traceFile = join(dir, `${durability}.trace`);
      const { acknowledged, storeDir } = await killed(durability, traceFile);
      await until("the trace is written", () =>
        /killed by SIGKILL|exited/.test(readFileSync(traceFile, "utf8")),
      );
      copyAfterPowerLoss(traceFile, storeDir, join(dir, `${durability}-after`));
      const lost = await lostOf(acknowledged, `${durability}-after`);
      process.stderr.write(
        `${durability}: a power failure lost ${lost.length} of ${acknowledged.length} acknowledged messages\n`,
      );
      if (durability === "strict") expect(lost).toEqual([]);
      else expect(lost.length).toBeGreaterThan(0);
    },
  );
});
