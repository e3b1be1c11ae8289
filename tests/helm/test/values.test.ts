/** What cannot work is refused before anything is installed, with a message that names the value. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChartCopy, type Values } from "./chart.ts";
import { helmMissing, lint, template } from "./helm.ts";

const OUTSIDE = { broker: { url: "nats://nats:4222" }, secrets: { existingSecret: "millrace" } };
const GROUP = { image: "a", env: "prod", presets: ["small-1x"], cpus: 2, memoryGb: 2 };
const MONITORING = { url: "nats://nats:4222", monitoring: "nats:8222" };

const grouped = (changes: object, name = "mail"): Values => ({
  ...OUTSIDE,
  broker: MONITORING,
  agents: { [name]: { ...GROUP, ...changes } },
});

describe.skipIf(helmMissing !== undefined)("values", () => {
  let chart: ChartCopy;
  beforeAll(() => {
    chart = new ChartCopy();
  });
  afterAll(() => chart[Symbol.dispose]());

  const messageFor = async (values: Values, release = "tasks"): Promise<string> => {
    const files = [chart.valuesFile(values)];
    const rendering = await template({ chart: chart.path, values: files, release });
    return rendering.kind === "refused" ? rendering.message : "rendered";
  };

  it.each<[string, Values, string]>([
    [
      "nothing but the defaults",
      {},
      "secrets.masterKey (openssl rand -hex 32), or secrets.existingSecret",
    ],
    [
      "no broker",
      { secrets: OUTSIDE.secrets },
      "broker.url: where the broker is (or nats.enabled: true)",
    ],
    [
      "no key to register",
      { ...OUTSIDE, secrets: { masterKey: "0".repeat(64) } },
      "secrets.secretKey, or secrets.existingSecret",
    ],
    [
      "a name that does not exist",
      { ...OUTSIDE, gatway: {} },
      "Additional property gatway is not allowed",
    ],
    [
      "a setting that does not exist",
      grouped({ replica: 2 }),
      "agents.mail: Additional property replica is not allowed",
    ],
    [
      "two copies",
      { ...OUTSIDE, broker: { ...OUTSIDE.broker, replicas: 2 } },
      "broker.replicas must be one of the following: 1, 3, 5",
    ],
    [
      "a broker that is no URL",
      { ...OUTSIDE, broker: { url: "nats" } },
      "broker.url: Does not match pattern",
    ],
    [
      "a short master key",
      { ...OUTSIDE, secrets: { masterKey: "short" } },
      "secrets.masterKey: Does not match pattern",
    ],
    [
      "a number as a variable",
      { ...OUTSIDE, extraEnv: [{ name: "A", value: 1 }] },
      "extraEnv.0.value: Invalid type. Expected: string, given: integer",
    ],
    [
      "a Secret twice",
      { ...OUTSIDE, extraSecrets: ["a", "a"] },
      "extraSecrets: array items[0,1] must be unique",
    ],
    [
      "no size of a group",
      { ...OUTSIDE, agents: { mail: { image: "a", env: "prod" } } },
      "agents.mail: cpus is required",
    ],
    [
      "an unknown preset",
      grouped({ presets: ["huge"] }),
      "agents.mail.presets.0: agents.mail.presets.0 must be one of the following",
    ],
    [
      "an ingress for no host",
      { ...OUTSIDE, gateway: { ingress: { enabled: true } } },
      "gateway.ingress.host: the name it answers to",
    ],
    [
      "a preset that does not fit",
      grouped({ presets: ["large-1x"], autoscaling: { enabled: true } }),
      "agents: large-1x does not fit into 2 CPUs and 2 GB",
    ],
    [
      "scaling by a broker whose monitoring is unknown",
      { ...OUTSIDE, agents: { mail: { ...GROUP, autoscaling: { enabled: true } } } },
      "broker.monitoring: host:port of the broker's monitoring, for the autoscaler",
    ],
    [
      "fewer agents at most than at least",
      grouped({ autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 2 } }),
      "agents: mail has minReplicas 3, and maxReplicas 2",
    ],
    [
      "fewer agents at most, by default, than at least",
      grouped({ autoscaling: { enabled: true, minReplicas: 11 } }),
      "agents: mail has minReplicas 11, and maxReplicas 10",
    ],
    [
      "a pool and a version that are too long for a consumer's name",
      grouped({ pool: "p".repeat(64), version: "1".repeat(64), autoscaling: { enabled: true } }),
      "are too long for the autoscaler to name their consumers",
    ],
  ])("are refused with %s", async (_what, values, message) => {
    expect(await messageFor(values)).toContain(message);
  });

  it("are refused with a group whose name is too long for the autoscaler's labels", async () => {
    const values = grouped({ autoscaling: { enabled: true } }, "m".repeat(32));
    expect(await messageFor(values, "r".repeat(24))).toBe("rendered");
    expect(await messageFor(values, "r".repeat(25))).toContain("is longer than 63 characters");
  });

  it("are refused with a group to keep busy whose pods' names Kubernetes would cut off", async () => {
    const keepBusy = { prometheus: "http://prometheus:9090", runsPerAgent: 4 };
    const values = grouped({ autoscaling: { enabled: true, keepBusy } }, "m".repeat(32));
    expect(await messageFor(values, "r".repeat(7))).toBe("rendered");
    expect(await messageFor(values, "r".repeat(8))).toContain("is longer than 46 characters");
  });

  it("are refused by helm lint as well", async () => {
    const { passed, report } = await lint(chart.path, [
      chart.valuesFile({ ...OUTSIDE, gatway: {} }),
    ]);
    expect({ passed, report }).toMatchObject({
      passed: false,
      report: expect.stringContaining("gatway") as string,
    });
  });
});
