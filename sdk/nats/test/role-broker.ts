/** A real broker that knows a user for each role, and nobody else. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBroker, type LaunchedBroker } from "@millrace/harness";
import { permissionsOf, type BrokerRole } from "@millrace/proto";
import { brokerAccess, inboxPrefixOf, makeUserKey } from "../src/access.ts";
import { connectBroker, type NatsConnection } from "../src/connect.ts";

export const ROLES = {
  coordinator: { kind: "coordinator" },
  scheduler: { kind: "scheduler" },
  gateway: { kind: "gateway" },
  admin: { kind: "admin" },
  "app of dev": { kind: "client", env: "dev" },
  "app of prod": { kind: "client", env: "prod" },
  "agent of dev": { kind: "agent", env: "dev", pools: ["default"] },
  "agent of prod": { kind: "agent", env: "prod", pools: ["default"] },
} as const satisfies Record<string, BrokerRole>;
export type RoleName = keyof typeof ROLES;

export class RoleBroker {
  readonly #dir: string;
  readonly #running: LaunchedBroker;
  readonly #seeds: ReadonlyMap<RoleName, string>;
  readonly #connections = new Map<RoleName, NatsConnection>();
  /** What the broker refused each of them. */
  readonly #violations = new Map<NatsConnection, string[]>();

  private constructor(dir: string, running: LaunchedBroker, seeds: ReadonlyMap<RoleName, string>) {
    this.#dir = dir;
    this.#running = running;
    this.#seeds = seeds;
  }

  static async start(): Promise<RoleBroker> {
    const dir = mkdtempSync(join(tmpdir(), "millrace-roles-"));
    const seeds = new Map<RoleName, string>();
    const users = Object.entries(ROLES).map(([name, role]) => {
      const { publicKey, seed } = makeUserKey();
      seeds.set(name as RoleName, seed);
      return { name, publicKey, ...permissionsOf(role, inboxPrefixOf(publicKey)) };
    });
    const running = await launchBroker({ storeDir: dir, auth: { users } });
    return new RoleBroker(dir, running, seeds);
  }

  get url(): string {
    return this.#running.url;
  }

  /** The role's one connection. */
  async as(name: RoleName): Promise<NatsConnection> {
    const open = this.#connections.get(name);
    if (open) return open;
    const role: BrokerRole = ROLES[name];
    const nc = await connectBroker({
      url: this.url,
      name,
      access: brokerAccess({ MILLRACE_NATS_NKEY: this.#seeds.get(name) }),
      ...("env" in role ? { env: role.env } : {}),
    });
    this.#connections.set(name, nc);
    const violations: string[] = [];
    this.#violations.set(nc, violations);
    void (async () => {
      for await (const status of nc.status())
        if (status.type === "error") violations.push(String(status.error));
    })();
    return nc;
  }

  /** What the broker refused of what `act` sent. */
  async refusals(name: RoleName, act: (nc: NatsConnection) => void): Promise<readonly string[]> {
    const nc = await this.as(name);
    const before = this.#violations.get(nc)?.length ?? 0;
    act(nc);
    await nc.flush();
    await new Promise((resolve) => setImmediate(resolve));
    return this.#violations.get(nc)?.slice(before) ?? [];
  }

  /** Lines of the broker's log about what it refused. */
  logged(): string[] {
    const log = readFileSync(join(this.#dir, "nats-server.log"), "utf8");
    return log.split("\n").filter((line) => line.includes("Violation"));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((nc) => nc.close()));
    await this.#running.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
