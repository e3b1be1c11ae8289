import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBroker } from "@millrace/harness";
import { provision } from "@millrace/service-kit";
import { connectBroker, type NatsConnection } from "@millrace/nats";

export type TestBroker = {
  readonly url: string;
  readonly nc: NatsConnection;
  /** Kills the broker and starts it again on its store and port, after a pause. */
  crash(pauseMs: number): Promise<void>;
  stop(): Promise<void>;
};

/** A real broker of its own, provisioned. The first one on a machine may have to be fetched. */
export async function testBroker(): Promise<TestBroker> {
  const storeDir = await mkdtemp(join(tmpdir(), "millrace-agent-test-"));
  let broker = await launchBroker({ storeDir });
  const nc = await connectBroker({ url: broker.url, name: "test" });
  await provision(nc, 1);
  return {
    url: broker.url,
    nc,
    crash: async (pauseMs) => {
      await broker.kill("SIGKILL");
      await broker.exited;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      broker = await launchBroker({ storeDir, port: broker.port });
    },
    stop: async () => {
      await nc.close();
      await broker.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}
