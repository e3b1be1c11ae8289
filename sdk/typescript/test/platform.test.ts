import { afterEach, describe, expect, it } from "vitest";
import { configure, runs, shutdown, tasks, type Configuration } from "../src/index.ts";
import { fakeRun } from "./fake-run.ts";
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

describe("a call of its own connection", () => {
  it("goes where its options say, and the others where they went", async () => {
    const [usual, other] = [await stubFor("run_a"), await stubFor("run_b")];
    configure({ baseURL: usual.url, secretKey: "k" });
    const clientConfig = { baseURL: other.url, accessToken: "theirs" };
    expect(await tasks.trigger("t", 1, {}, { clientConfig })).toMatchObject({ id: "run_b" });
    expect(await tasks.trigger("t", 1)).toMatchObject({ id: "run_a" });
    expect(other.requests[0]?.headers.authorization).toBe("Bearer theirs");
  });

  it("goes there from inside a run, too", async () => {
    const other = await stubFor("run_b");
    const clientConfig = { baseURL: other.url, secretKey: "k" };
    const run = fakeRun();
    await run.execute(async () => {
      expect(await tasks.trigger("t", 1, {}, { clientConfig })).toMatchObject({ id: "run_b" });
      expect(await tasks.trigger("t", 1)).toMatchObject({ id: "run_child" });
    });
  });

  it("is sent again as its options say", async () => {
    const stub = await startStub((response) => json(response, 503, { error: "wait" }));
    stubs.push(stub);
    configure({ baseURL: stub.url, secretKey: "k", requestOptions: { retry: { maxAttempts: 1 } } });
    await expect(runs.retrieve("run_a")).rejects.toMatchObject({ status: 503 });
    expect(stub.requests).toHaveLength(1);
    const retry = { maxAttempts: 2, minTimeoutInMs: 1 };
    await expect(runs.retrieve("run_a", { retry })).rejects.toMatchObject({ status: 503 });
    expect(stub.requests).toHaveLength(3);
  });

  it.each([
    [{ publicAccessToken: {} }, /Request option "publicAccessToken" is not supported/],
    [{ retry: { times: 3 } }, /Request option retry: "times" is not supported/],
    [{ clientConfig: { future: "b" } }, /Setting "future" is not supported/],
  ])("with %o is refused", async (options, message) => {
    configure({ baseURL: "http://127.0.0.1:9", secretKey: "k" });
    await expect(runs.retrieve("run_a", options as object)).rejects.toThrow(message);
  });

  it("of a setting this version does not have, configure() says so", () => {
    expect(() => configure({ future: "b" } as Configuration)).toThrow(/"future" is not supported/);
  });
});

describe("what only the gateway can answer", () => {
  const listed = { data: [], pagination: {} };

  it("is asked there from inside a run when one is configured", async () => {
    const stub = await startStub((response) => json(response, 200, listed));
    stubs.push(stub);
    configure({ transport: "nats", baseURL: stub.url, secretKey: "k" });
    const run = fakeRun();
    await run.execute(async () => {
      expect((await runs.list()).data).toEqual([]);
    });
    expect(stub.requests).toMatchObject([{ method: "GET", url: "/api/v1/runs" }]);
    expect(run.asked).toEqual([]);
  });

  it("is refused by the run's host when none is", async () => {
    configure({});
    const run = fakeRun({
      calls: {
        "runs.list": () => {
          throw new Error("needs a gateway");
        },
      },
    });
    await expect(run.execute(async () => await runs.list())).rejects.toThrow("needs a gateway");
  });
});
