import { expect, test } from "vitest";
import { brokerConfig } from "../src/broker-config.ts";

const config = {
  host: "127.0.0.1",
  port: -1,
  storeDir: "/data/store",
  portsDir: "/data/store/ports",
  syncAlways: false,
  auth: undefined,
};

test("the default: loopback, fixed limits, no monitoring, no password", () => {
  const text = brokerConfig(config);
  expect(text).toContain('host: "127.0.0.1"\nport: -1\n');
  expect(text).toContain("max_payload: 8MB");
  expect(text).toContain("max_pending: 256MB");
  expect(text).toContain(
    'store_dir: "/data/store"\n  max_memory_store: 1GB\n  max_file_store: 1TB',
  );
  expect(text).not.toMatch(/http|authorization|sync_interval/);
});

test("sync always", () => {
  expect(brokerConfig({ ...config, syncAlways: true })).toContain("sync_interval: always");
});

test("a node of a cluster has a name of its own, and knows the others", () => {
  const text = brokerConfig({
    ...config,
    cluster: {
      clusterName: "millrace",
      nodeName: "n1",
      host: "127.0.0.1",
      port: 6222,
      routes: ["nats://10.0.0.2:6222", "nats://10.0.0.3:6222"],
    },
  });
  expect(text).toContain('server_name: "n1"');
  expect(text).toContain(
    'cluster {\n  name: "millrace"\n  host: "127.0.0.1"\n  port: 6222\n  routes: ["nats://10.0.0.2:6222", "nats://10.0.0.3:6222"]\n}',
  );
  expect(text).not.toContain("advertise");
});

test("a token, or a user", () => {
  expect(brokerConfig({ ...config, auth: { token: "s3" } })).toContain('token: "s3"');
  const text = brokerConfig({ ...config, auth: { user: "ada", password: 'a"b' } });
  expect(text).toContain('user: "ada"\n  password: "a\\"b"');
});

test("a Windows path keeps its backslashes", () => {
  const text = brokerConfig({ ...config, storeDir: String.raw`C:\Users\ada\store` });
  expect(text).toContain(String.raw`store_dir: "C:\\Users\\ada\\store"`);
});
