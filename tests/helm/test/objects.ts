/** What the chart is made of, in Kubernetes' own types, and where to find it in a rendering. */
import type { IScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import type { IPodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IJob } from "kubernetes-models/batch/v1/Job";
import type { IIngress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import type { IConfigMap } from "kubernetes-models/v1/ConfigMap";
import type { IContainer } from "kubernetes-models/v1/Container";
import type { IPodTemplateSpec } from "kubernetes-models/v1/PodTemplateSpec";
import type { ISecret } from "kubernetes-models/v1/Secret";
import type { IService } from "kubernetes-models/v1/Service";

export type KubernetesObject =
  | IConfigMap
  | IDeployment
  | IIngress
  | IJob
  | IPodDisruptionBudget
  | IPodMonitor
  | IScaledObject
  | ISecret
  | IService;

export type Kind = KubernetesObject["kind"];
type OfKind<K extends Kind> = Extract<KubernetesObject, { kind: K }>;

export function all<K extends Kind>(objects: readonly KubernetesObject[], kind: K): OfKind<K>[] {
  return objects.filter((object): object is OfKind<K> => object.kind === kind);
}

export function one<K extends Kind>(
  objects: readonly KubernetesObject[],
  kind: K,
  name: string,
): OfKind<K> {
  const found = all(objects, kind).find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}: ${namesOf(objects).join(", ")}`);
  return found;
}

/** `Deployment tasks-gateway` and so on. */
export function namesOf(objects: readonly KubernetesObject[]): string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata?.name}`);
}

export type Pods = { readonly name: string; readonly template: IPodTemplateSpec };

/** Everything that makes pods. */
export function podsOf(objects: readonly KubernetesObject[]): Pods[] {
  return [...all(objects, "Deployment"), ...all(objects, "Job")].map(({ metadata, spec }) => {
    if (spec === undefined) throw new Error(`${metadata?.name} has no spec`);
    return { name: metadata?.name ?? "", template: spec.template };
  });
}

/** The chart's pods have one container. */
export function containerOf({ name, template }: Pods): IContainer {
  const [container, ...others] = template.spec?.containers ?? [];
  if (container === undefined || others.length > 0) throw new Error(`${name}: not one container`);
  return container;
}

/** A container's variables; those of a Secret or the like are undefined. Of two with a name the last counts. */
export function variablesOf(container: IContainer): ReadonlyMap<string, string | undefined> {
  return new Map((container.env ?? []).map(({ name, value }) => [name, value]));
}
