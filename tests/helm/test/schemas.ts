/**
 * What Kubernetes, KEDA and the Prometheus operator say of an object's form. Their schemas name every field, but refuse
 * none that is unknown; their compiled validators read each field they know. So a field that no validator read does
 * not exist, and is a problem here as it is for the server's strict validation.
 */
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Job } from "kubernetes-models/batch/v1/Job";
import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";

const MODELS = [
  ConfigMap,
  Deployment,
  Ingress,
  Job,
  PodDisruptionBudget,
  PodMonitor,
  ScaledObject,
  Secret,
  Service,
];

type Typed = { readonly apiVersion: string; readonly kind: string };

/** Every problem of an object, each with the path of its field; empty where there is none. */
export function schemaProblems(object: Typed): string[] {
  const model = MODELS.find(
    ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
  );
  if (model === undefined) return [`there is no schema of ${object.apiVersion} ${object.kind}`];
  const unread = new Set<string>();
  const problems = refusalOf(model.prototype, watched(object, "", unread));
  const unknown = [...unread].filter((path) => !isBelowAny(path, unread));
  return [...problems, ...unknown.map((path) => `${path} does not exist`)];
}

function refusalOf({ validate }: { readonly validate: () => void }, data: unknown): string[] {
  try {
    Reflect.apply(validate, data, []);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** A copy that takes the path of each field out of `unread` when it is read. */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return value.map((item, index) => watched(item, `${path}/${index}`, unread));
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, below]) => {
      unread.add(`${path}/${name}`);
      return [name, watched(below, `${path}/${name}`, unread)];
    }),
  );
  return new Proxy(copy, {
    get(target, name) {
      unread.delete(`${path}/${String(name)}`);
      return Reflect.get(target, name) as unknown;
    },
  });
}

function isBelowAny(path: string, others: ReadonlySet<string>): boolean {
  return [...others].some((other) => path.startsWith(`${other}/`));
}
