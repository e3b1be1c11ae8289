/**
 * The broker's own chart as a part of the release. It cannot be downloaded by a test, so a stand-in takes its place: whether
 * it is rendered, and which values it gets, is still Helm's doing. With `MILLRACE_TEST_NATS_CHART`, the folder of
 * the official chart, that one is rendered as well.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MINIMUM_BROKER_VERSION } from "../../../services/kit/src/provision.ts";
import { brokerChartRange, CHART, ChartCopy, type Values } from "./chart.ts";
import { helmMissing, template } from "./helm.ts";
import {
  all,
  containerOf,
  namesOf,
  podsOf,
  variablesOf,
  type KubernetesObject,
} from "./objects.ts";
import { schemaProblems } from "./schemas.ts";

const SECRETS = { existingSecret: "millrace" };
const GROUP = {
  image: "a",
  env: "prod",
  presets: ["small-1x"],
  cpus: 2,
  memoryGb: 2,
  autoscaling: { enabled: true },
};
const BUNDLED = { nats: { enabled: true }, secrets: SECRETS, agents: { mail: GROUP } };

const official = process.env["MILLRACE_TEST_NATS_CHART"];

async function render(
  chart: ChartCopy,
  values: Values,
  release = "tasks",
): Promise<readonly KubernetesObject[]> {
  const rendering = await template({
    chart: chart.path,
    values: [chart.valuesFile(values)],
    release,
  });
  if (rendering.kind === "refused") throw new Error(rendering.message);
  return rendering.objects;
}

/** Where everything looks for the broker, and its autoscaler for the broker's monitoring. */
function addressesOf(objects: readonly KubernetesObject[]): {
  urls: unknown[];
  monitoring: unknown[];
} {
  const own = podsOf(objects).filter(
    ({ template: { metadata } }) => metadata?.labels?.["app.kubernetes.io/name"] === "millrace",
  );
  const urls = own.map((pods) => variablesOf(containerOf(pods)).get("MILLRACE_NATS_URL"));
  const monitoring = all(objects, "ScaledObject").flatMap(({ spec }) =>
    spec.triggers.map(({ metadata }) => metadata["natsServerMonitoringEndpoint"]),
  );
  return { urls: [...new Set(urls)], monitoring: [...new Set(monitoring)] };
}

describe("the range of the broker's charts", () => {
  it("begins with one whose broker is new enough", () => {
    // The chart carries the version of its server, from 2.12 on.
    const [lowest = "", major, minor] = /^~(\d+)\.(\d+)\.\d+$/.exec(brokerChartRange()) ?? [];
    expect(lowest).not.toBe("");
    const [neededMajor, neededMinor] = MINIMUM_BROKER_VERSION.split(".");
    expect(Number(major)).toBe(Number(neededMajor));
    expect(Number(minor)).toBeGreaterThanOrEqual(Number(neededMinor));
  });
});

describe.skipIf(helmMissing !== undefined)("the broker's chart", () => {
  let chart: ChartCopy;
  beforeAll(() => {
    chart = new ChartCopy();
  });
  afterAll(() => chart[Symbol.dispose]());

  it("has to be there even where it is not used: helm dependency update comes first", async () => {
    using bare = new ChartCopy("missing");
    const values = [bare.valuesFile({ broker: { url: "nats://nats:4222" }, secrets: SECRETS })];
    const rendering = await template({ chart: bare.path, values });
    expect(rendering).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("missing in charts/ directory: nats") as string,
    });
  });

  it("is a part of the release where it is enabled, and gets its values as they are", async () => {
    const changes = {
      enabled: true,
      config: { cluster: { replicas: 5 } },
      container: { image: { tag: "2.15" } },
    };
    const objects = await render(chart, { ...BUNDLED, nats: changes });
    const [standIn, ...others] = all(objects, "ConfigMap");
    expect(others).toEqual([]);
    const defaults = (
      parse(readFileSync(join(CHART, "values.yaml"), "utf8")) as { nats: { config: object } }
    ).nats;
    expect(JSON.parse(standIn?.data?.["values"] ?? "")).toEqual({
      ...changes,
      config: { ...defaults.config, cluster: { enabled: true, replicas: 5 } },
      global: {},
    });
  });

  it("is left out where it is not", async () => {
    const objects = await render(chart, { broker: { url: "nats://nats:4222" }, secrets: SECRETS });
    expect(all(objects, "ConfigMap")).toEqual([]);
  });

  it.each<[string, object, string, string]>([
    ["tasks", {}, "nats://tasks-nats:4222", "tasks-nats-headless.jobs.svc:8222"],
    ["my-nats", {}, "nats://my-nats:4222", "my-nats-headless.jobs.svc:8222"],
    ["tasks", { fullnameOverride: "queue" }, "nats://queue:4222", "queue-headless.jobs.svc:8222"],
    ["tasks", { nameOverride: "bus" }, "nats://tasks-bus:4222", "tasks-bus-headless.jobs.svc:8222"],
    ["bus", { nameOverride: "bus" }, "nats://bus:4222", "bus-headless.jobs.svc:8222"],
  ])("is found in the release %s with %o", async (release, names, url, monitoring) => {
    const objects = await render(chart, { ...BUNDLED, nats: { enabled: true, ...names } }, release);
    expect(addressesOf(objects)).toEqual({ urls: [url], monitoring: [monitoring] });
  });

  it("is spoken to as broker.url and broker.monitoring say, where they say it", async () => {
    const broker = {
      url: "tls://tasks-nats:4443",
      monitoring: "tasks-nats-headless.jobs.svc:9222",
    };
    const objects = await render(chart, { ...BUNDLED, broker });
    expect(addressesOf(objects)).toEqual({ urls: [broker.url], monitoring: [broker.monitoring] });
  });
});

describe.skipIf(helmMissing !== undefined || official === undefined)(
  "the official chart of NATS",
  () => {
    it.each([
      ["tasks", {}],
      ["my-nats", {}],
      ["tasks", { fullnameOverride: "queue" }],
      ["tasks", { nameOverride: "bus" }],
    ])(
      "is rendered with the release %s and %o, and its services are what Millrace looks for",
      async (release, names) => {
        using chart = new ChartCopy({ folder: official ?? "" });
        const objects = await render(
          chart,
          { ...BUNDLED, nats: { enabled: true, ...names } },
          release,
        );
        const made = namesOf(objects);
        const { urls, monitoring } = addressesOf(objects);
        expect(
          urls
            .map((url) => `Service ${new URL(String(url)).hostname}`)
            .filter((name) => !made.includes(name)),
        ).toEqual([]);
        expect(
          monitoring
            .map((address) => `Service ${String(address).split(".")[0]}`)
            .filter((name) => !made.includes(name)),
        ).toEqual([]);
        const known = objects.filter(
          ({ kind }) => kind !== ("StatefulSet" as string) && kind !== ("Pod" as string),
        );
        expect(known.flatMap((object) => schemaProblems(object))).toEqual([]);
        const configuration = all(objects, "ConfigMap")
          .map(({ data }) => data?.["nats.conf"])
          .join();
        expect(configuration).toContain('"max_payload": 8MB');
        expect(configuration).toContain('"http_port": 8222');
      },
    );
  },
);
