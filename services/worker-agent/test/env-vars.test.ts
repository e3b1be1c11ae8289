import { expect, test } from "vitest";
import { EnvVars, SecretBox } from "@millrace/nats";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task } from "@millrace/sdk";
    export const read = task({ id: "read", run: (name: string) => process.env[name] ?? null });
  `,
});

const MASTER_KEY = "a master key of this very test: long enough";

test("runs are given the variables of their environment, over those of the agent", async () => {
  const { broker, coordinator, agent } = setup();
  const vars = await EnvVars.open(broker.nc, await SecretBox.open(broker.nc, MASTER_KEY));
  await vars.set("dev", { name: "GREETING", value: "kept" });
  await vars.set("prod", { name: "ELSEWHERE", value: "prod's" });
  await agent({ MILLRACE_MASTER_KEY: MASTER_KEY, GREETING: "agent's", OTHER: "o" });
  const read = async (name: string): Promise<unknown> => {
    const { output } = await coordinator.until(await coordinator.run("read", name), "finished");
    return output?.type === "text/plain" ? output.data : JSON.parse(output?.data ?? "null");
  };
  expect(await read("GREETING")).toBe("kept");
  expect(await read("OTHER")).toBe("o");
  expect(await read("ELSEWHERE")).toBeNull();
  expect(await read("MILLRACE_MASTER_KEY")).toBeNull();
});
