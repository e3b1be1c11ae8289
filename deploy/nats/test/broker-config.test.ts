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

test("a token, or a user", () => {
  expect(brokerConfig({ ...config, auth: { token: "s3" } })).toContain('token: "s3"');
  const text = brokerConfig({ ...config, auth: { user: "ada", password: 'a"b' } });
  expect(text).toContain('user: "ada"\n  password: "a\\"b"');
});

test("a Windows path keeps its backslashes", () => {
  const text = brokerConfig({ ...config, storeDir: String.raw`C:\Users\ada\store` });
  expect(text).toContain(String.raw`store_dir: "C:\\Users\\ada\\store"`);
});
