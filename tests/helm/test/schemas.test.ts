/** The check of the forms can fail: what a typing error in a template makes is refused, at whatever depth. */
import { describe, expect, it } from "vitest";
import { schemaProblems } from "./schemas.ts";

const deployment = (changes: object = {}, container: object = {}): Typed => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "a", labels: { app: "a" } },
  spec: {
    selector: { matchLabels: { app: "a" } },
    template: {
      metadata: { labels: { app: "a" } },
      spec: {
        containers: [{ name: "a", image: "a", env: [{ name: "A", value: "1" }], ...container }],
      },
    },
    ...changes,
  },
});
type Typed = Parameters<typeof schemaProblems>[0] & Readonly<Record<string, unknown>>;

describe("an object's form", () => {
  it("is right where every field exists and has its type", () => {
    expect(schemaProblems(deployment())).toEqual([]);
  });

  it.each<[string, Typed, string]>([
    ["a field at the top", { ...deployment(), spac: {} }, "/spac does not exist"],
    ["a field of the spec", deployment({ replica: 1 }), "/spec/replica does not exist"],
    [
      "a field of a container",
      deployment({}, { ports: [{ name: "http", containerport: 1, containerPort: 1 }] }),
      "/spec/template/spec/containers/0/ports/0/containerport does not exist",
    ],
    ["a text for a number", deployment({ replicas: "two" }), "data/spec/replicas must be integer"],
    [
      "a number for a text",
      deployment({}, { env: [{ name: "A", value: 1 }] }),
      "env/0/value must be",
    ],
    [
      "nothing where something must be",
      deployment({ selector: undefined }),
      "required property selector",
    ],
    [
      "an object without a schema",
      { apiVersion: "apps/v2", kind: "Deployment" },
      "there is no schema",
    ],
    [
      "a trigger's metadata that is no text",
      {
        apiVersion: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        metadata: { name: "a" },
        spec: { scaleTargetRef: { name: "a" }, triggers: [{ type: "cron", metadata: { a: 1 } }] },
      },
      "metadata/a must be string",
    ],
    [
      "a monitor's unknown field",
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata: { name: "a" },
        spec: { selector: {}, podMetricsEndpoints: [{ port: "health", paths: "/metrics" }] },
      },
      "/spec/podMetricsEndpoints/0/paths does not exist",
    ],
  ])("is refused with %s", (_what, object, problem) => {
    expect(schemaProblems(object).join("\n")).toContain(problem);
  });
});
