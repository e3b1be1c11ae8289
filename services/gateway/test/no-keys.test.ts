/** An installation that nobody has a key of: it is closed, and says how to make one. */
import { Writable } from "node:stream";
import { TestBroker } from "@millrace/harness";
import { registerKey } from "@millrace/nats";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Security } from "../src/security/security.ts";

let broker: TestBroker;

beforeAll(async () => {
  broker = await TestBroker.start();
}, 60_000);
afterAll(async () => {
  await broker.stop();
});

/** What is warned of when a gateway opens. */
async function warnings(isExposed: boolean): Promise<string> {
  let text = "";
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const security = await Security.open(await broker.connect(), pino(stream), { isExposed });
  expect(await security.identify("tr_dev_any")).toMatchObject({ code: "UNAUTHENTICATED" });
  await security.close();
  return text;
}

it("warns where others reach it, until there is a key that is valid", async () => {
  expect(await warnings(true)).toContain("npm run keys -- create");
  expect(await warnings(false)).toBe("");
  const nc = await broker.connect();
  const security = await Security.open(nc, pino({ level: "silent" }), {});
  const over = { env: "prod", createdAt: 1, validUntil: 2 };
  await registerKey(nc, security.box, "tr_prod_over", over);
  expect(await warnings(true)).toContain("npm run keys -- create");
  await registerKey(nc, security.box, "tr_prod_new", { env: "prod", createdAt: Date.now() });
  expect(await warnings(true)).toBe("");
  await security.close();
});
