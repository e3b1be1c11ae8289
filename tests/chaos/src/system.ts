/** The system under test: a broker or a cluster of them, two of each service and three agents, as processes. */
import { join } from "node:path";
import { freePort, Millrace, SmallDisk, type TestCluster } from "@millrace/harness";
import { Member } from "./member.ts";

const TASKS = join(import.meta.dirname, "../tasks");
const DISK_MB = 512;

export type SystemOptions = {
  readonly brokerNodes: 1 | 3;
  readonly agents: number;
  /** Whether the broker's nodes get disks that can be filled, where that is possible. */
  readonly smallDisks: boolean;
  /** How long runs are kept: `MILLRACE_RETENTION`. */
  readonly retention?: string | undefined;
};

export class System {
  readonly millrace: Millrace;
  readonly members: readonly Member[];
  readonly apiUrls: readonly string[];
  readonly marksFile: string;
  readonly hasSmallDisks: boolean;

  private constructor(
    millrace: Millrace,
    members: readonly Member[],
    apiUrls: readonly string[],
    hasSmallDisks: boolean,
  ) {
    this.millrace = millrace;
    this.members = members;
    this.apiUrls = apiUrls;
    this.marksFile = marksFileOf(millrace);
    this.hasSmallDisks = hasSmallDisks;
  }

  /** Resolves when all of it is ready. */
  static async start(options: SystemOptions): Promise<System> {
    const hasSmallDisks = options.smallDisks && SmallDisk.isPossible();
    const millrace = await Millrace.broker({
      nodes: options.brokerNodes,
      diskMb: hasSmallDisks ? DISK_MB : undefined,
    });
    const gatewayPorts = [await freePort(), await freePort()];
    const system = new System(
      millrace,
      membersOf(millrace, gatewayPorts, options),
      gatewayPorts.map((port) => `http://127.0.0.1:${port}`),
      hasSmallDisks,
    );
    try {
      await system.#begin();
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  get cluster(): TestCluster {
    return this.millrace.cluster;
  }

  of(kind: Member["kind"]): Member[] {
    return this.members.filter((member) => member.kind === kind);
  }

  /** Processes that run. */
  processes(): readonly { readonly role: string; readonly name: string; readonly pid: number }[] {
    const nodes = this.cluster.nodes.map(({ name, pid }) => ({ role: "broker", name, pid }));
    const members = this.members.map(({ kind, name, pid }) => ({ role: kind, name, pid }));
    return [...members, ...nodes].filter(({ pid }) => pid > 0);
  }

  async stop(): Promise<void> {
    for (const member of this.members) member.thaw();
    const stopped = async (members: readonly Member[]): Promise<void> => {
      await Promise.all(members.map((member) => member.stop()));
    };
    await stopped(this.members.filter(({ kind }) => kind === "worker-agent"));
    await stopped(this.members);
    await this.millrace.stop();
  }

  /** The first coordinator makes what all others need. */
  async #begin(): Promise<void> {
    const [first, ...others] = this.members;
    await first?.start();
    await first?.ready();
    await this.millrace.authorize();
    await Promise.all(others.map((member) => member.start()));
    await Promise.all(others.map((member) => member.ready()));
  }
}

const marksFileOf = (millrace: Millrace): string => join(millrace.dir, "marks");

function membersOf(
  millrace: Millrace,
  gatewayPorts: readonly number[],
  { agents, retention }: SystemOptions,
): Member[] {
  const kept = retention === undefined ? {} : { MILLRACE_RETENTION: retention };
  const member = (kind: Member["kind"], index: number, own: Record<string, string> = {}): Member =>
    new Member(kind, `${kind}-${index}`, () => millrace.service(kind, own));
  return [
    ...[0, 1].map((index) => member("coordinator", index, kept)),
    ...[0, 1].map((index) => member("scheduler", index)),
    ...gatewayPorts.map((port, index) =>
      member("gateway", index, { MILLRACE_GATEWAY_PORT: String(port) }),
    ),
    ...Array.from({ length: agents }, (_, index) =>
      member("worker-agent", index, {
        MILLRACE_TASKS_DIR: TASKS,
        MILLRACE_DRAIN_MS: "3000",
        CHAOS_MARKS: marksFileOf(millrace),
      }),
    ),
  ];
}
