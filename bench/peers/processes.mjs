/** Servers as child processes: started, awaited, stopped. */
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a program whose output goes to a file; resolves when `port` answers. */
export async function serve(name, dir, [program, ...args], port, options = {}) {
  mkdirSync(dir, { recursive: true });
  const log = join(dir, `${name}.log`);
  const out = openSync(log, "a");
  const child = spawn(program, args, { stdio: ["ignore", out, out], ...options });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries > 600)
      throw new Error(`${name} did not start:\n${readFileSync(log, "utf8").slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    pid: child.pid,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await ended;
    },
  };
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
