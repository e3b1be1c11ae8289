/** docker-compose.yml and the Dockerfile, held against the services they start. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MACHINE_SIZES, presetSchema } from "@millrace/proto";
import { read, ROOT, unknownVariables, yaml } from "./files.ts";

type Service = {
  readonly image: string;
  readonly build?: { readonly target: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?:
    | Readonly<Record<string, { readonly condition: string }>>
    | readonly string[];
  readonly profiles?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly healthcheck?: object;
  readonly deploy: {
    readonly replicas?: number;
    readonly resources: { readonly limits: { readonly cpus: string; readonly memory: string } };
  };
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};

const compose = yaml<Compose>("docker-compose.yml");
const services = Object.entries(compose.services);
const dockerfile = read("deploy/docker/Dockerfile");
const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
const ours = services.filter(([, service]) => service.build !== undefined);
const agent = compose.services["worker-agent"];

describe("docker-compose.yml", () => {
  it.each(ours)("%s is told nothing that it does not read", (_name, { build, environment }) => {
    expect(unknownVariables(build?.target ?? "", Object.keys(environment ?? {}))).toEqual([]);
  });

  it("builds images that the Dockerfile has", () => {
    const targets = ours.map(([, { build }]) => build?.target);
    expect(targets.toSorted()).toEqual([
      "coordinator",
      "gateway",
      "keys",
      "scheduler",
      "worker-agent",
    ]);
    expect(stages).toEqual(expect.arrayContaining(targets));
  });

  it.each(services)("%s mounts what is there, and waits for what there is", (_name, service) => {
    const configs = (service.configs ?? []).map(({ source }) => compose.configs[source]);
    expect(configs).not.toContain(undefined);
    expect((service.secrets ?? []).filter((name) => !(name in compose.secrets))).toEqual([]);
    const needed = Array.isArray(service.depends_on)
      ? (service.depends_on as readonly string[])
      : Object.keys(service.depends_on ?? {});
    expect(needed.filter((name) => !(name in compose.services))).toEqual([]);
  });

  it.each(Object.entries(compose.configs))("the configuration %s is a file", (_name, { file }) => {
    for (const topology of ["single", "cluster"])
      expect(existsSync(join(ROOT, file.replace(/\$\{[^}]*\}/, topology)))).toBe(true);
  });

  it.each(services)("gives %s no file system to write to, and a limit", (name, service) => {
    expect(service.read_only).toBe(true);
    const isShort = name === "register-key";
    expect(isShort || service.deploy.resources.limits.memory !== "").toBe(true);
  });

  it("limits an agent to what it advertises and half a GB for itself; its presets fit", () => {
    const { MILLRACE_CPUS, MILLRACE_MEMORY_GB, MILLRACE_PRESETS } = agent?.environment ?? {};
    const { cpus, memory } = agent?.deploy.resources.limits ?? { cpus: "", memory: "" };
    expect(Number(cpus)).toBe(Number(MILLRACE_CPUS));
    expect(memory).toBe(`${Number(MILLRACE_MEMORY_GB) * 1024 + 512}M`);
    for (const name of (MILLRACE_PRESETS ?? "").split(",")) {
      const size = MACHINE_SIZES[presetSchema.parse(name)];
      expect(size.cpu).toBeLessThanOrEqual(Number(MILLRACE_CPUS));
      expect(size.memoryGb).toBeLessThanOrEqual(Number(MILLRACE_MEMORY_GB));
    }
  });

  it("kills an agent only after it has drained", () => {
    const graceMs = Number.parseInt(agent?.stop_grace_period ?? "", 10) * 1000;
    expect(graceMs).toBeGreaterThanOrEqual(
      Number(agent?.environment?.["MILLRACE_DRAIN_MS"]) + 10_000,
    );
  });

  it("leaves the version of the tasks to the image", () => {
    expect(agent?.environment).not.toHaveProperty("MILLRACE_VERSION");
    expect(read("deploy/docker/example/Dockerfile")).toContain("ENV MILLRACE_VERSION=");
  });

  it("publishes no port of the broker", () => {
    for (const name of ["nats", "nats-2", "nats-3"])
      expect(compose.services[name]).not.toHaveProperty("ports");
  });
});

describe("the Dockerfile", () => {
  it.each([...dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path]) => path ?? ""))(
    "copies %s, which is there",
    (path) => {
      expect(existsSync(join(ROOT, path))).toBe(true);
    },
  );

  it.each(
    [...dockerfile.matchAll(/^ENTRYPOINT .*"\/millrace\/(.*)\/dist\/(.*)\.js"\]$/gm)].map(
      ([, workspace = "", file = ""]) => ({ workspace, file }),
    ),
  )("starts $file of $workspace, which is built", ({ workspace, file }) => {
    expect(existsSync(join(ROOT, `${workspace}/src/${file}.ts`))).toBe(true);
    expect(dockerfile).toMatch(new RegExp(`^RUN npx tsc -b .*${workspace}`, "m"));
  });

  it("runs nothing as root", () => {
    expect(dockerfile.match(/^USER .*$/gm)).toEqual(["USER node"]);
    expect(dockerfile.indexOf("USER node")).toBeLessThan(dockerfile.indexOf("ENTRYPOINT"));
  });

  it("knows every service", () => {
    expect(stages).toEqual(expect.arrayContaining(["coordinator", "scheduler", "gateway"]));
  });
});
