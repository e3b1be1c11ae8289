/** The check of references can fail: each kind of reference is seen when it leads nowhere. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "./objects.ts";
import { danglingReferences } from "./references.ts";

const container = {
  name: "gateway",
  ports: [{ name: "http", containerPort: 3030 }],
  livenessProbe: { httpGet: { path: "/healthz", port: "http" } },
  env: [{ name: "MILLRACE_MASTER_KEY_FILE", value: "/run/secrets/master-key" }],
  volumeMounts: [{ name: "keys", mountPath: "/run/secrets" }],
};

const deployment = (changes: object = {}, volume: object = {}): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "gateway" },
  spec: {
    selector: {},
    template: {
      spec: {
        containers: [{ ...container, ...changes }],
        volumes: [{ name: "keys", secret: { secretName: "keys", ...volume } }],
      },
    },
  },
});

const service = (port: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "gateway" },
  spec: { ports: [{ name: "http", port: 80, targetPort: port }] },
});

const ingress = (name: string): KubernetesObject => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name: "gateway" },
  spec: {
    rules: [
      {
        http: {
          paths: [{ pathType: "Prefix", backend: { service: { name, port: { name: "http" } } } }],
        },
      },
    ],
  },
});

const scaled = (name: string): KubernetesObject => ({
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: "a" },
  spec: { scaleTargetRef: { name }, triggers: [] },
});

const monitor = (port: string): KubernetesObject => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PodMonitor",
  metadata: { name: "a" },
  spec: { selector: {}, podMetricsEndpoints: [{ port }] },
});

const secrets = new Set(["keys"]);

describe("references", () => {
  it("are right where everything is there", () => {
    const objects = [
      deployment(),
      service("http"),
      ingress("gateway"),
      scaled("gateway"),
      monitor("http"),
    ];
    expect(danglingReferences(objects, secrets)).toEqual([]);
  });

  it.each<[string, KubernetesObject[], string]>([
    ["a probe's port", [deployment({ ports: [] })], "gateway: probed port http"],
    [
      "a mount's volume",
      [
        deployment({
          volumeMounts: [...container.volumeMounts, { name: "tmp", mountPath: "/tmp" }],
        }),
      ],
      "gateway: no volume tmp",
    ],
    ["a volume's mount", [deployment({ env: [], volumeMounts: [] })], "gateway: no mount of keys"],
    [
      "a path's mount",
      [deployment({ env: [{ name: "A", value: "/data/a" }] })],
      "gateway: no mount for /data/a",
    ],
    ["a Secret of a volume", [deployment({}, { secretName: "other" })], "gateway: no Secret other"],
    [
      "a Secret of a variable",
      [deployment({ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "b", key: "c" } } }] })],
      "gateway: no Secret b",
    ],
    ["a Service's port", [deployment(), service("web")], "Service gateway: port web"],
    ["an ingress' Service", [deployment(), service("http"), ingress("web")], "no Service web:http"],
    ["an autoscaler's Deployment", [deployment(), scaled("web")], "ScaledObject a: web"],
    ["a scraped port", [deployment(), monitor("health")], "gateway: scraped health"],
  ])("are refused with %s that is not there", (_what, objects, problem) => {
    expect(danglingReferences(objects, secrets)).toEqual([problem]);
  });
});
