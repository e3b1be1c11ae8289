/** Docker's command line, for a project of the verification's own: another installation on this machine is left alone. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PORT = 13_030;
const PROJECT = "millrace-verification";
/** A busy machine starts slowly; what counts is that it does. */
const HEALTHY_WITHIN_MS = 300_000;
/** Longer than every service's grace period: whoever needs it all has not stopped by itself. */
const STOP_WITHIN_S = 90;

const run = promisify(execFile);

export class Installation {
  url = `http://127.0.0.1:${PORT}`;
  #compose;
  #env;
  #secretsDir = mkdtempSync(join(tmpdir(), "millrace-verification-"));

  /** @param isCluster whether it has three brokers instead of one */
  constructor(isCluster) {
    this.#env = {
      ...process.env,
      COMPOSE_PROJECT_NAME: PROJECT,
      COMPOSE_FILE: "docker-compose.yml:deploy/docker/verification/compose.yml",
      MILLRACE_GATEWAY_ADDRESS: `127.0.0.1:${PORT}`,
      MILLRACE_RATE_LIMITS: "off",
      MILLRACE_SECRETS_DIR: this.#secretsDir,
    };
    this.#compose = ["compose", ...(isCluster ? ["--env-file", "deploy/docker/cluster.env"] : [])];
  }

  async makeSecrets() {
    await run("sh", ["deploy/docker/setup.sh"], { cwd: ROOT, env: this.#env });
    return readFileSync(join(this.#secretsDir, "secret-key"), "utf8").trim();
  }

  async compose(...args) {
    const options = { cwd: ROOT, env: this.#env, maxBuffer: 64 * 1024 * 1024 };
    return (await run("docker", [...this.#compose, ...args], options)).stdout;
  }

  async up(agents) {
    await this.compose("up", "--detach", "--wait", "--scale", `worker-agent=${agents}`);
  }

  /** The containers that are up, by service. */
  async containers() {
    const lines = (await this.compose("ps", "--format", "{{.Service}} {{.Name}}"))
      .trim()
      .split("\n");
    return lines.map((line) => {
      const [service, name] = line.split(" ");
      return { service, name };
    });
  }

  /** Stops a container as an orchestrator does, starts it again, and waits until it is healthy. */
  async restart({ name }) {
    const stopping = performance.now();
    await docker("stop", "-t", String(STOP_WITHIN_S), name);
    const stopped = performance.now();
    const exitCode = Number(await docker("inspect", "--format", "{{.State.ExitCode}}", name));
    await docker("start", name);
    while ((await docker("inspect", "--format", "{{.State.Health.Status}}", name)) !== "healthy") {
      if (performance.now() - stopped > HEALTHY_WITHIN_MS)
        throw new Error(`${name} is not healthy`);
      await sleep(250);
    }
    return { exitCode, stopMs: stopped - stopping, startMs: performance.now() - stopped };
  }

  async exec({ name }, script) {
    return await docker("exec", name, "sh", "-c", script);
  }
}

async function docker(...args) {
  return (await run("docker", args, { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
}
