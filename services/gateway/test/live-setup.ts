/** What tests of subscriptions start with: one gateway for a file, and for each test a client that is connected to it. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { startGateway, type TestGateway } from "./harness.ts";
import { connectLive, type LiveClient } from "./websocket.ts";

/** Both are there while a test runs. */
export type LiveSetup = { readonly gateway: TestGateway; readonly client: LiveClient };

export function setUpLive(): LiveSetup {
  let gateway: TestGateway;
  let client: LiveClient;
  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.stop();
  });
  beforeEach(async () => {
    client = await connectLive(gateway);
  });
  afterEach(() => client.close());
  return {
    get gateway() {
      return gateway;
    },
    get client() {
      return client;
    },
  };
}
