/**
 * One broker, or a cluster of them on this machine: as processes of their own, each with its own store. Between every
 * two nodes there are two lines (one for each of them to call the other) that can be cut, so a node can be cut off from
 * the others while its clients still reach it.
 */
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connectBroker } from "@millrace/nats";
import { BrokerNode } from "./broker-node.ts";
import { freePort } from "./service-process.ts";
import { sleep } from "./until.ts";
import { Wire } from "./wire.ts";

/**
 * `cut`: its connections to the others are closed, and new ones refused. `silent`: they stay open and nothing arrives,
 * as when a switch drops packets; what was kept back arrives at the end.
 */
export type Isolation = "cut" | "silent";

/** Where nobody listens: nodes find each other by their lines alone, and not by what others tell them. */
const NOWHERE = "127.0.0.1:9";
const FORMING_MS = 60_000;

type Line = { readonly from: number; readonly to: number; readonly wire: Wire };

export class TestCluster {
  readonly nodes: readonly BrokerNode[];
  readonly #lines: readonly Line[];

  private constructor(nodes: readonly BrokerNode[], lines: readonly Line[]) {
    this.nodes = nodes;
    this.#lines = lines;
  }

  /**
   * Starts as many nodes, and resolves when they keep streams with as many copies.
   * @param diskMb see `BrokerNode`
   */
  static async start(dir: string, size: number, diskMb?: number): Promise<TestCluster> {
    const { nodes, lines } = size === 1 ? alone(dir, diskMb) : await connected(dir, size, diskMb);
    const cluster = new TestCluster(nodes, lines);
    try {
      await Promise.all(nodes.map((node) => node.start()));
      await cluster.#formed();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** All nodes, for a client. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(",");
  }

  node(index: number): BrokerNode {
    const node = this.nodes[index];
    if (!node) throw new RangeError(`There is no node ${index} among ${this.nodes.length}`);
    return node;
  }

  /** Cuts a node off from the others; clients still reach it. */
  isolate(index: number, how: Isolation): void {
    for (const { wire } of this.#linesOf(index)) {
      if (how === "cut") wire.cut();
      else {
        wire.hold("to-client");
        wire.hold("to-broker");
      }
    }
  }

  rejoin(index: number): void {
    for (const { wire } of this.#linesOf(index)) wire.mend();
  }

  /** Makes the leader of a stream, or of the cluster's administration, hand over. Nothing happens where it has no leader. */
  async stepDown(what: { readonly stream: string } | "meta"): Promise<void> {
    const subject = what === "meta" ? "META.LEADER" : `STREAM.LEADER`;
    const suffix = what === "meta" ? "" : `.${what.stream}`;
    const nc = await connectBroker({ url: this.url, name: "chaos" });
    try {
      await nc
        .request(`$JS.API.${subject}.STEPDOWN${suffix}`, "", { timeout: 5000 })
        .catch(() => undefined);
    } finally {
      await nc.close();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
    await Promise.all(this.#lines.map(({ wire }) => wire.close()));
  }

  #linesOf(index: number): Line[] {
    return this.#lines.filter(({ from, to }) => from === index || to === index);
  }

  /** Nodes take clients before they have found each other; only a stream that is kept shows that they have. */
  async #formed(): Promise<void> {
    if (this.nodes.length === 1) return;
    const nc = await connectBroker({ url: this.url, name: "forming" });
    try {
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      const deadline = Date.now() + FORMING_MS;
      while (!(await keepsCopies(jsm, this.nodes.length))) {
        if (Date.now() > deadline)
          throw new Error(`The nodes form no cluster in ${FORMING_MS / 1000} s`);
        await sleep(100);
      }
    } finally {
      await nc.close();
    }
  }
}

const PROBE = "FORMED";

async function keepsCopies(jsm: JetStreamManager, copies: number): Promise<boolean> {
  try {
    await jsm.streams.add({ name: PROBE, subjects: ["formed"], num_replicas: copies });
    return await jsm.streams.delete(PROBE);
  } catch {
    return false;
  }
}

function alone(dir: string, diskMb?: number): { nodes: BrokerNode[]; lines: Line[] } {
  return { nodes: [new BrokerNode({ name: "nats-0", dir, diskMb })], lines: [] };
}

async function connected(
  dir: string,
  size: number,
  diskMb?: number,
): Promise<{ nodes: BrokerNode[]; lines: Line[] }> {
  const ports: number[] = [];
  for (let i = 0; i < size; i++) ports.push(await freePort());
  const lines: Line[] = [];
  for (const from of ports.keys())
    for (const [to, port] of ports.entries())
      if (to !== from) lines.push({ from, to, wire: await Wire.to(port) });
  const nodes = ports.map(
    (port, index) =>
      new BrokerNode({
        name: `nats-${index}`,
        dir,
        diskMb,
        cluster: {
          clusterName: "millrace",
          nodeName: `nats-${index}`,
          host: "127.0.0.1",
          port,
          advertise: NOWHERE,
          routes: lines.filter(({ from }) => from === index).map(({ wire }) => wire.url),
        },
      }),
  );
  return { nodes, lines };
}
