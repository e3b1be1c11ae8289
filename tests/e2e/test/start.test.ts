/** `npm start`, as a user runs it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const dir = mkdtempSync(join(tmpdir(), "millrace-start-"));
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

type Started = {
  readonly child: ChildProcess;
  output(): string;
  readonly exited: Promise<number | null>;
};

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, "start.mjs"), ...args], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  return {
    child,
    output: () => output,
    exited: new Promise((resolve) => {
      child.once("exit", (code) => resolve(code));
    }),
  };
}

async function shows({ output, child }: Started, text: string | RegExp): Promise<void> {
  await expect
    .poll(() => (child.exitCode === null ? output() : `${output()}\nended: ${child.exitCode}`), {
      timeout: 60_000,
      interval: 50,
    })
    .toMatch(text);
}

function settings(dataDir: string): Record<string, string> {
  const lines = readFileSync(join(dataDir, "dev.env"), "utf8").trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split("=", 2) as [string, string]));
}

describe("npm start", () => {
  test("--once runs the demo, prints its report and ends with its status", async () => {
    const run = start("--once", "--data", join(dir, "once"), "--port", "0");
    expect(await run.exited).toBe(0);
    expect(run.output()).toMatch(/MIT +\d+/);
    expect(run.output()).toMatch(/\d+ packages, [\d,]+ files/);
  });

  test("a second start on the same store goes on with the runs it finds there", async () => {
    const tasks = join(dir, "tasks");
    mkdirSync(tasks);
    writeFileSync(
      join(tasks, "later.ts"),
      `import { task } from "@millrace/sdk";
       export const later = task({ id: "later", run: async (n: number) => n + 1 });`,
    );
    const data = join(dir, "twice");
    const first = start("--tasks", tasks, "--data", data, "--port", "0");
    await shows(first, /ready/);
    const api = async (path: string, body?: unknown): Promise<unknown> => {
      const { MILLRACE_API_URL, MILLRACE_SECRET_KEY } = settings(data);
      const answer = await fetch(`${MILLRACE_API_URL}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          authorization: `Bearer ${MILLRACE_SECRET_KEY}`,
          "content-type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return await answer.json();
    };
    const { id } = (await api("/api/v1/tasks/later/trigger", {
      payload: 41,
      options: { delay: "4s" },
    })) as { id: string };
    expect(await api(`/api/v3/runs/${id}`)).toMatchObject({ status: "DELAYED" });
    first.child.kill("SIGINT");
    expect(await first.exited).toBe(0);

    const second = start("--tasks", tasks, "--data", data, "--port", "0");
    await shows(second, /ready/);
    await expect
      .poll(() => api(`/api/v3/runs/${id}`), { timeout: 20_000 })
      .toMatchObject({ status: "COMPLETED", output: 42 });
    second.child.kill("SIGINT");
    expect(await second.exited).toBe(0);
  });

  test("two run on one machine, and Ctrl-C stops everything each has started", async () => {
    const both = ["a", "b"].map((name) =>
      start(
        "--tasks",
        join(ROOT, "examples/dependency-audit/tasks"),
        "--data",
        join(dir, name),
        "--port",
        "0",
      ),
    );
    await Promise.all(both.map((each) => shows(each, /ready/)));
    const urls = ["a", "b"].map((name) => settings(join(dir, name)));
    expect(urls[0]?.["MILLRACE_API_URL"]).not.toBe(urls[1]?.["MILLRACE_API_URL"]);
    for (const each of both) each.child.kill("SIGINT");
    expect(await Promise.all(both.map((each) => each.exited))).toEqual([0, 0]);
    for (const url of urls)
      await expect(fetch(`${url["MILLRACE_API_URL"]}/api/v3/runs/x`)).rejects.toThrow();
  });

  test.each([
    [["--port", "many"], /port/i],
    [["--tasks", "/no/such/folder"], /\/no\/such\/folder/],
    [["--bogus"], /bogus/],
  ])("%j is refused with what is wrong", async (args, message) => {
    const run = start(...args);
    expect(await run.exited).toBe(2);
    expect(run.output()).toMatch(message);
  });
});
