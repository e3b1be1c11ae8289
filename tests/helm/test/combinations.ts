/** What is rendered: every installation that the chart, its values and docs/deployment.md describe. */
import { PRESETS } from "@millrace/proto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CHART, ROOT, type Values } from "./chart.ts";

export type Combination = {
  readonly name: string;
  readonly values: Values;
  readonly release?: string;
};

const OUTSIDE = { broker: { url: "nats://nats:4222" }, secrets: { existingSecret: "millrace" } };
const MONITORED = {
  ...OUTSIDE,
  broker: { url: "nats://nats:4222", monitoring: "nats-headless.nats.svc:8222" },
};
const BUNDLED = { nats: { enabled: true }, secrets: { existingSecret: "millrace" } };

const GROUP = {
  image: "registry.example/my-tasks:1",
  env: "prod",
  presets: ["small-1x"],
  cpus: 2,
  memoryGb: 2,
};

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The block of docs/deployment.md that begins with `agents:`. */
function groupOfTheDocs(): Values {
  const [, block] = /```yaml\n(agents:\n[\s\S]*?)```/.exec(read("docs/deployment.md")) ?? [];
  if (block === undefined) throw new Error("docs/deployment.md shows no group of agents");
  return parse(block) as Values;
}

/** The group that values.yaml shows in comments. */
function groupOfTheValues(): Values {
  const [, comments] = /^agents: \{\}\n((?:#.*\n)+)/m.exec(read("deploy/helm/values.yaml")) ?? [];
  if (comments === undefined) throw new Error("values.yaml shows no group of agents");
  return { agents: parse(comments.replaceAll(/^#/gm, "")) };
}

const scaled = (autoscaling: object, changes: object = {}): Values => ({
  ...MONITORED,
  agents: { mail: { ...GROUP, ...changes, autoscaling: { enabled: true, ...autoscaling } } },
});

export const COMBINATIONS: readonly Combination[] = [
  ...readdirSync(join(CHART, "ci")).map((file) => ({
    name: `ci/${file}`,
    values: parse(read(`deploy/helm/ci/${file}`)) as Values,
  })),
  { name: "the group of docs/deployment.md", values: { ...MONITORED, ...groupOfTheDocs() } },
  { name: "the group of values.yaml", values: { ...MONITORED, ...groupOfTheValues() } },
  { name: "a broker outside, nothing else", values: OUTSIDE },
  {
    name: "a broker outside with TLS and a certificate",
    values: {
      ...OUTSIDE,
      broker: { url: "tls://nats-0:4222,tls://nats-1:4222", replicas: 5 },
      extraSecrets: ["broker-tls"],
      extraEnv: [
        { name: "MILLRACE_NATS_TLS_CA", value: "/etc/millrace/broker-tls/ca.crt" },
        { name: "MILLRACE_NATS_TLS_CERT", value: "/etc/millrace/broker-tls/tls.crt" },
        { name: "MILLRACE_NATS_TLS_KEY", value: "/etc/millrace/broker-tls/tls.key" },
      ],
    },
  },
  {
    name: "a broker outside with a user and a password",
    values: {
      ...OUTSIDE,
      extraEnv: [
        { name: "MILLRACE_NATS_USER", value: "millrace" },
        {
          name: "MILLRACE_NATS_PASSWORD",
          valueFrom: { secretKeyRef: { name: "broker", key: "password" } },
        },
      ],
    },
  },
  { name: "the broker of the release", values: BUNDLED },
  {
    name: "the broker of the release, one node of it",
    values: {
      ...BUNDLED,
      nats: { enabled: true, config: { cluster: { enabled: false } } },
      broker: { replicas: 1 },
    },
  },
  { name: "the broker of a release that is called after it", values: BUNDLED, release: "my-nats" },
  {
    name: "the broker of the release with agents that scale",
    values: {
      ...BUNDLED,
      agents: { mail: { ...GROUP, autoscaling: { enabled: true } } },
    },
  },
  {
    name: "keys from values, without a key to register",
    values: {
      broker: OUTSIDE.broker,
      secrets: { masterKey: "0".repeat(64) },
      registerKey: { enabled: false },
    },
  },
  {
    name: "keys from values, of another environment",
    values: {
      broker: OUTSIDE.broker,
      secrets: { masterKey: "a".repeat(64), secretKey: "tr_stg_0123456789abcdefghijklmn" },
      registerKey: { env: "staging" },
    },
  },
  {
    name: "one of each service",
    values: {
      ...OUTSIDE,
      coordinator: { replicas: 1 },
      scheduler: { replicas: 1 },
      gateway: { replicas: 1 },
    },
  },
  {
    name: "resources that are other ones, and none",
    values: {
      ...OUTSIDE,
      coordinator: { resources: { limits: { cpu: "2", memory: "2Gi" } } },
      scheduler: { resources: {} },
      gateway: { resources: null },
    },
  },
  {
    name: "a gateway at a load balancer",
    values: { ...OUTSIDE, gateway: { service: { type: "LoadBalancer", port: 443 } } },
  },
  {
    name: "a gateway behind an ingress of the cluster's own class, without TLS",
    values: { ...OUTSIDE, gateway: { ingress: { enabled: true, host: "tasks.example" } } },
  },
  {
    name: "settings of single services",
    values: {
      ...OUTSIDE,
      logLevel: "debug",
      coordinator: { extraEnv: [{ name: "MILLRACE_RETENTION", value: "90d" }] },
      scheduler: { extraEnv: [{ name: "MILLRACE_NATS_INBOX_PREFIX", value: "_INBOX_scheduler" }] },
      gateway: { extraEnv: [{ name: "MILLRACE_RATE_LIMITS", value: "off" }] },
      agents: {
        mail: { ...GROUP, extraEnv: [{ name: "MILLRACE_MAX_WAITING", value: "50" }] },
      },
    },
  },
  {
    name: "metrics for the Prometheus operator",
    values: { ...OUTSIDE, metrics: { podMonitor: true } },
  },
  {
    name: "several groups of a fixed size, one of them of none",
    values: {
      ...OUTSIDE,
      agents: {
        mail: { ...GROUP, replicas: 3 },
        "mail-eu": { ...GROUP, pool: "eu", drainSeconds: 86_400, ownMemoryMb: 1024 },
        idle: { ...GROUP, env: "dev", cpus: 0.5, memoryGb: 0.5, replicas: 0 },
      },
    },
  },
  { name: "agents that scale, with defaults", values: scaled({}) },
  { name: "agents that scale to none", values: scaled({ minReplicas: 0, maxReplicas: 20 }) },
  {
    name: "agents that scale between bounds, at once",
    values: scaled({ minReplicas: 2, maxReplicas: 3, pollingSeconds: 1, cooldownSeconds: 0 }),
  },
  {
    name: "agents of every preset, of a pool and a version with signs in their names",
    values: scaled(
      {},
      {
        pool: "eu.west_1-a",
        version: "2026.11.22-rc_1",
        presets: [...PRESETS],
        cpus: 9.5,
        memoryGb: 17.25,
      },
    ),
  },
  {
    name: "two groups of which one is called like the beginning of the other, both kept busy",
    values: {
      ...MONITORED,
      agents: Object.fromEntries(
        ["mail", "mail-eu"].map((name) => [
          name,
          {
            ...GROUP,
            autoscaling: {
              enabled: true,
              keepBusy: { prometheus: "http://prometheus:9090", runsPerAgent: 4 },
            },
          },
        ]),
      ),
    },
  },
  {
    name: "the longest name of a release",
    values: { ...OUTSIDE, metrics: { podMonitor: true }, agents: { a: GROUP } },
    release: "r".repeat(53),
  },
  {
    name: "names that YAML takes for something else",
    values: {
      ...OUTSIDE,
      secrets: { existingSecret: "1234" },
      extraSecrets: ["off", "1e3"],
      image: { registry: "registry.example/millrace", tag: "1.10", pullSecrets: [{ name: "yes" }] },
      registerKey: { env: "null" },
      gateway: {
        ingress: { enabled: true, className: "no", host: "1.5", tlsSecret: "0x10" },
      },
      agents: { "1": { ...GROUP, env: "on", pool: "1.50", version: "2026.10" } },
    },
    release: "on",
  },
];
