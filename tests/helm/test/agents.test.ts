/** Groups of agents: as many as are asked for, and scaled by the lanes they really pull from. */
import { DISPATCH, dispatchConsumer, MACHINE_SIZES, poolOf, type Preset } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fits, unitsOf } from "../../../services/worker-agent/src/agent/places.ts";
import { ChartCopy } from "./chart.ts";
import { helmMissing, template } from "./helm.ts";
import { containerOf, one, variablesOf, type KubernetesObject } from "./objects.ts";

const GROUP = { image: "a", env: "prod", presets: ["small-1x"], cpus: 2, memoryGb: 2 };
const KEEP_BUSY = { prometheus: "http://prometheus:9090", runsPerAgent: 4 };

describe.skipIf(helmMissing !== undefined)("a group of agents", () => {
  let chart: ChartCopy;
  beforeAll(() => {
    chart = new ChartCopy();
  });
  afterAll(() => chart[Symbol.dispose]());

  const render = async (agents: object): Promise<readonly KubernetesObject[]> => {
    const broker = { url: "nats://nats:4222", monitoring: "nats:8222", account: "TASKS" };
    const values = [chart.valuesFile({ broker, secrets: { existingSecret: "millrace" }, agents })];
    const rendering = await template({ chart: chart.path, values });
    if (rendering.kind === "refused") throw new Error(rendering.message);
    return rendering.objects;
  };

  it.each([
    [undefined, 1],
    [0, 0],
    [3, 3],
  ])("of a fixed size: replicas %s makes %i", async (replicas, expected) => {
    const objects = await render({ mail: { ...GROUP, replicas } });
    expect(one(objects, "Deployment", "tasks-agent-mail").spec?.replicas).toBe(expected);
    expect(() => one(objects, "ScaledObject", "tasks-agent-mail")).toThrow();
  });

  it.each([
    [{}, { minReplicaCount: 0, maxReplicaCount: 10, pollingInterval: 10, cooldownPeriod: 300 }],
    [
      { minReplicas: 2, maxReplicas: 4, pollingSeconds: 1, cooldownSeconds: 0 },
      { minReplicaCount: 2, maxReplicaCount: 4, pollingInterval: 1, cooldownPeriod: 0 },
    ],
  ])(
    "that scales with %o: the autoscaler alone says how many there are",
    async (given, expected) => {
      const objects = await render({
        mail: { ...GROUP, autoscaling: { enabled: true, ...given } },
      });
      const { spec } = one(objects, "ScaledObject", "tasks-agent-mail");
      expect(spec).toMatchObject({ scaleTargetRef: { name: "tasks-agent-mail" }, ...expected });
      expect(one(objects, "Deployment", "tasks-agent-mail").spec).not.toHaveProperty("replicas");
    },
  );

  it.each<[string, string | undefined, string | undefined, Preset[], number, number]>([
    ["prod", undefined, undefined, ["small-1x"], 2, 2],
    ["stg", "heavy", undefined, ["micro", "large-1x"], 4.5, 9],
    ["dev_2", "eu.west_1-a", "2026.11.22-rc_1", ["small-2x", "medium-1x"], 7.75, 4.25],
    ["preview", undefined, "1.0", ["micro", "small-1x", "medium-2x"], 2.5, 4],
  ])(
    "of %s, pool %s, version %s, with %o: one trigger for each consumer it pulls from",
    async (env, pool, version, presets, cpus, memoryGb) => {
      const group = { ...GROUP, env, pool, version, presets, cpus, memoryGb };
      const objects = await render({ mail: { ...group, autoscaling: { enabled: true } } });
      const pools = [pool ?? "default"];
      if (version !== undefined) pools.push(poolOf(pool ?? "default", version));
      const room = unitsOf({ cpu: cpus, memoryGb });
      const expected = pools.flatMap((each) =>
        presets.flatMap((preset) => {
          const held = fits(room, unitsOf(MACHINE_SIZES[preset]));
          return [
            [dispatchConsumer(env, each, preset).durable_name, String(held)],
            [dispatchConsumer(env, each, `${preset}-shared`).durable_name, "100"],
          ];
        }),
      );
      const { triggers } = one(objects, "ScaledObject", "tasks-agent-mail").spec;
      expect(
        triggers.map(({ metadata }) => [metadata["consumer"], metadata["lagThreshold"]]),
      ).toEqual(expected);
      for (const { type, metadata } of triggers) {
        expect(type).toBe("nats-jetstream");
        expect(metadata).toMatchObject({
          natsServerMonitoringEndpoint: "nats:8222",
          account: "TASKS",
          stream: DISPATCH.name,
        });
      }
      const variables = variablesOf(containerOf(agentPods(objects)));
      expect(variables.get("MILLRACE_ENV")).toBe(env);
      expect(variables.get("MILLRACE_POOL")).toBe(pool ?? "default");
      expect(variables.get("MILLRACE_VERSION")).toBe(version);
      expect(variables.get("MILLRACE_PRESETS")).toBe(presets.join(","));
      expect(Number(variables.get("MILLRACE_CPUS"))).toBe(cpus);
      expect(Number(variables.get("MILLRACE_MEMORY_GB"))).toBe(memoryGb);
    },
  );

  it("has what its runs may use, and the agent's own memory beside it", async () => {
    const objects = await render({
      mail: { ...GROUP, cpus: 1.5, memoryGb: 2.25, ownMemoryMb: 300 },
    });
    const { resources } = containerOf(agentPods(objects));
    const both = { cpu: "1500m", memory: `${2.25 * 1024 + 300}Mi` };
    expect(resources).toEqual({ requests: both, limits: both });
  });

  it("is kept busy by its own runs: not by those of a longer name, nor of another namespace", async () => {
    const group = { ...GROUP, autoscaling: { enabled: true, keepBusy: KEEP_BUSY } };
    const objects = await render({ mail: group, "mail-eu": group });
    const queryOf = (name: string): string =>
      String(one(objects, "ScaledObject", name).spec.triggers.at(-1)?.metadata["query"]);
    const counts = (query: string, pod: string): boolean => {
      const [, pattern] = /pod=~"([^"]*)"/.exec(query) ?? [];
      return new RegExp(`^(?:${pattern})$`).test(pod); // Prometheus anchors it
    };
    const query = queryOf("tasks-agent-mail");
    expect(query).toContain('namespace="jobs"');
    expect(counts(query, "tasks-agent-mail-7d9f8b6c5d-x2x4z")).toBe(true);
    expect(counts(query, "tasks-agent-mail-eu-7d9f8b6c5d-x2x4z")).toBe(false);
    expect(counts(queryOf("tasks-agent-mail-eu"), "tasks-agent-mail-eu-7d9f8b6c5d-x2x4z")).toBe(
      true,
    );
  });
});

function agentPods(objects: readonly KubernetesObject[]): Parameters<typeof containerOf>[0] {
  const { spec } = one(objects, "Deployment", "tasks-agent-mail");
  if (spec === undefined) throw new Error("no spec");
  return { name: "tasks-agent-mail", template: spec.template };
}
