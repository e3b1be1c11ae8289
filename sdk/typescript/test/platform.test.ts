import { afterEach, describe, expect, it } from "vitest";
import { configure, runs, shutdown, tasks } from "../src/index.ts";
import { json, startStub, type StubGateway } from "./stub-gateway.ts";

const stubs: StubGateway[] = [];

async function stubFor(id: string): Promise<StubGateway> {
  const stub = await startStub((response) => json(response, 200, { id }));
  stubs.push(stub);
  return stub;
}

afterEach(async () => {
  await shutdown();
  await Promise.all(stubs.splice(0).map((stub) => stub.stop()));
});

describe("configure()", () => {
  it("holds from the next call on", async () => {
    const [first, second] = [await stubFor("run_a"), await stubFor("run_b")];
    configure({ baseURL: first.url, secretKey: "k" });
    expect(await tasks.trigger("t", 1)).toEqual({ id: "run_a", taskIdentifier: "t" });
    configure({ baseURL: second.url, secretKey: "k" });
    expect(await tasks.trigger("t", 1)).toEqual({ id: "run_b", taskIdentifier: "t" });
  });

  it("that was wrong can be corrected", async () => {
    configure({ baseURL: "nonsense", secretKey: "k" });
    await expect(runs.retrieve("run_a")).rejects.toMatchObject({ name: "ConfigurationError" });
    const stub = await stubFor("run_a");
    configure({ baseURL: stub.url, secretKey: "k" });
    expect((await runs.retrieve("run_a")).id).toBe("run_a");
  });
});

describe("shutdown()", () => {
  it("ends what is being followed, and the next call connects again", async () => {
    const stub = await stubFor("run_a");
    configure({ baseURL: stub.url, secretKey: "k" });
    const next = runs.subscribeToRun("run_a")[Symbol.asyncIterator]().next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await shutdown();
    await expect(next).rejects.toThrow("shutdown() was called");
    expect(await runs.cancel("run_a")).toEqual({ id: "run_a" });
  });

  it("of nothing does nothing", async () => {
    await expect(shutdown()).resolves.toBeUndefined();
  });
});
