/** Getting into a broker, and being told why not. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartOptions } from "@millrace/broker";
import { launchBroker, type LaunchedBroker } from "@millrace/harness";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  accessSettingsOf,
  brokerAccess,
  makeUserKey,
  publicKeyOf,
  type AccessSettings,
} from "../src/access.ts";
import { connectBroker } from "../src/connect.ts";
import { BrokerAccessError } from "../src/errors.ts";

const cert = (name: string): string => join(import.meta.dirname, "certs", name);
const TRUSTED = { MILLRACE_NATS_TLS_CA: cert("ca.pem") };
const LOCALHOST = { certFile: cert("localhost.pem"), keyFile: cert("localhost.key") };

let dir: string;
const running: LaunchedBroker[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "millrace-access-"));
});
afterEach(() => Promise.all(running.splice(0).map((broker) => broker.stop())));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function start(options: Pick<StartOptions, "auth" | "tls">): Promise<LaunchedBroker> {
  const storeDir = mkdtempSync(join(dir, "store-"));
  const broker = await launchBroker({ storeDir, ...options });
  running.push(broker);
  return broker;
}

async function enter(
  url: string,
  settings: AccessSettings = {},
  timeoutMs = 3000,
): Promise<string | undefined> {
  const access = brokerAccess(settings);
  const nc = await connectBroker({ url, name: "test", access, timeoutMs });
  const subject = `${nc.getServer()} ${String(await nc.rtt()).length > 0}`;
  await nc.close();
  return subject;
}

describe("a broker with TLS", () => {
  test("is entered by who knows its authority, by its name and by tls:// or nats://", async () => {
    const { port } = await start({ tls: LOCALHOST });
    expect(await enter(`tls://localhost:${port}`, TRUSTED)).toBeDefined();
    expect(await enter(`nats://localhost:${port}`, TRUSTED)).toBeDefined();
    expect(await enter(`tls://127.0.0.1:${port}`, TRUSTED)).toBeDefined();
  });

  test("is not trusted with an unknown authority, or another name", async () => {
    const { port } = await start({ tls: LOCALHOST });
    const url = `tls://localhost:${port}`;
    await expect(enter(url)).rejects.toThrow(/authority .*Set MILLRACE_NATS_TLS_CA/);
    await expect(enter(url, { MILLRACE_NATS_TLS_CA: cert("other-ca.pem") })).rejects.toThrow(
      BrokerAccessError,
    );
    const other = await start({
      tls: { certFile: cert("elsewhere.pem"), keyFile: cert("elsewhere.key") },
    });
    await expect(enter(`tls://localhost:${other.port}`, TRUSTED)).rejects.toThrow(
      /another name.*localhost/,
    );
  });

  test("that asks for certificates lets in who has one of its authority", async () => {
    const { port } = await start({ tls: { ...LOCALHOST, clientCaFile: cert("ca.pem") } });
    const url = `tls://localhost:${port}`;
    const own = {
      ...TRUSTED,
      MILLRACE_NATS_TLS_CERT: cert("elsewhere.pem"),
      MILLRACE_NATS_TLS_KEY: cert("elsewhere.key"),
    };
    expect(await enter(url, own)).toBeDefined();
    await expect(enter(url, TRUSTED, 500)).rejects.toThrow(/MILLRACE_NATS_TLS_CERT/);
  });

  test("is known by its name: an address is refused", async () => {
    await expect(enter("tls://10.0.0.1:4222", TRUSTED)).rejects.toThrow(
      /give the name.*10\.0\.0\.1/,
    );
  });
});

test("TLS is insisted on: a broker without is refused, at once", async () => {
  const { port } = await start({});
  const startedAt = performance.now();
  await expect(enter(`tls://localhost:${port}`)).rejects.toThrow(/speaks no TLS/);
  await expect(enter(`nats://localhost:${port}`, TRUSTED)).rejects.toThrow(BrokerAccessError);
  expect(performance.now() - startedAt).toBeLessThan(2500);
});

describe("credentials", () => {
  test("a password: the right one enters, a wrong one and none are told so", async () => {
    const { url } = await start({ auth: { user: "ada", password: "s3cret" } });
    const settings = { MILLRACE_NATS_USER: "ada", MILLRACE_NATS_PASSWORD: "s3cret" };
    expect(await enter(url, settings)).toBeDefined();
    const wrong = enter(url, { ...settings, MILLRACE_NATS_PASSWORD: "wrong" });
    await expect(wrong).rejects.toThrow(/refuses these credentials/);
    await expect(wrong).rejects.toThrow(BrokerAccessError);
    await expect(enter(url)).rejects.toThrow(/MILLRACE_NATS_NKEY/);
  });

  test("an NKey of a file: a known one enters, another one does not", async () => {
    const known = makeUserKey();
    expect(publicKeyOf(known.seed)).toBe(known.publicKey);
    const all = { publish: [">"], subscribe: [">"] };
    const { url } = await start({
      auth: { users: [{ name: "ada", publicKey: known.publicKey, ...all }] },
    });
    const file = join(dir, "ada.nkey");
    writeFileSync(file, `${known.seed}\n`);
    expect(await enter(url, accessSettingsOf({ MILLRACE_NATS_NKEY_FILE: file }))).toBeDefined();
    const other = enter(url, { MILLRACE_NATS_NKEY: makeUserKey().seed });
    await expect(other).rejects.toThrow(/refuses these credentials/);
  });

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ["two kinds", { MILLRACE_NATS_NKEY: "SU", MILLRACE_NATS_USER: "a" }, /Only one of/],
    ["no seed", { MILLRACE_NATS_NKEY: "secret" }, /MILLRACE_NATS_NKEY: not the seed/],
    ["no user", { MILLRACE_NATS_PASSWORD: "x" }, /without MILLRACE_NATS_USER/],
    ["no password", { MILLRACE_NATS_USER: "x" }, /without MILLRACE_NATS_PASSWORD/],
    ["no such seed file", { MILLRACE_NATS_NKEY_FILE: "/none" }, /MILLRACE_NATS_NKEY_FILE: ENOENT/],
    ["no such creds file", { MILLRACE_NATS_CREDENTIALS: "/none" }, /CREDENTIALS: ENOENT/],
    ["a file without credentials", { MILLRACE_NATS_CREDENTIALS: cert("ca.pem") }, /not a .creds/],
    ["no such authority", { MILLRACE_NATS_TLS_CA: "/none" }, /MILLRACE_NATS_TLS_CA: ENOENT/],
    ["half a certificate", { MILLRACE_NATS_TLS_CERT: cert("ca.pem") }, /belong together/],
    [
      "no PEM",
      { MILLRACE_NATS_TLS_CA: join(import.meta.dirname, "../package.json") },
      /is not PEM/,
    ],
    ["no prefix", { MILLRACE_NATS_INBOX_PREFIX: "a.*" }, /INBOX_PREFIX: a subject/],
  ])("%s: refused before anything is sent", (_what, env, message) => {
    const read = (): unknown => brokerAccess(accessSettingsOf(env));
    expect(read).toThrow(message);
    expect(read).toThrow(BrokerAccessError);
  });
});
