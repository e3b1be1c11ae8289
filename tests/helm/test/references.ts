/** What the chart's objects name of each other: ports, volumes, Secrets, Services, Deployments. */
import { all, containerOf, podsOf, type KubernetesObject, type Pods } from "./objects.ts";

/**
 * Every reference that leads nowhere, as `<who>: <what>`; empty where all are right.
 * @param outside names of Secrets that are made elsewhere
 */
export function danglingReferences(
  objects: readonly KubernetesObject[],
  outside: ReadonlySet<string>,
): string[] {
  const secrets = new Set([
    ...outside,
    ...all(objects, "Secret").map(({ metadata }) => metadata?.name ?? ""),
  ]);
  const pods = podsOf(objects);
  return [
    ...pods.flatMap((each) =>
      [...probedPorts(each), ...volumes(each), ...files(each), ...secretsOf(each, secrets)].map(
        (problem) => `${each.name}: ${problem}`,
      ),
    ),
    ...all(objects, "Service").flatMap(({ metadata, spec }) => {
      const target = pods.find(({ name }) => name === metadata?.name);
      const ports = target === undefined ? [] : portsOf(target);
      return missing(`Service ${metadata?.name}: port`, spec?.ports?.map(targetOf), ports);
    }),
    ...ingresses(objects),
    ...all(objects, "PodMonitor").flatMap(({ spec }) => {
      const scraped = spec.podMetricsEndpoints.map(({ port }) => port);
      const services = pods.filter(({ name }) => !name.endsWith("-key"));
      return services.flatMap((each) => missing(`${each.name}: scraped`, scraped, portsOf(each)));
    }),
    ...all(objects, "ScaledObject").flatMap(({ metadata, spec }) =>
      missing(`ScaledObject ${metadata?.name}:`, [spec.scaleTargetRef.name], deployments(objects)),
    ),
  ];
}

function missing(
  what: string,
  names: readonly unknown[] | undefined,
  known: readonly unknown[],
): string[] {
  return (names ?? [])
    .filter((name) => !known.includes(name))
    .map((name) => `${what} ${String(name)}`);
}

const targetOf = ({ targetPort }: { readonly targetPort?: unknown }): unknown => targetPort;

const deployments = (objects: readonly KubernetesObject[]): unknown[] =>
  all(objects, "Deployment").map(({ metadata }) => metadata?.name);

const portsOf = (pods: Pods): unknown[] => containerOf(pods).ports?.map(({ name }) => name) ?? [];

function probedPorts(pods: Pods): string[] {
  const { startupProbe, livenessProbe, readinessProbe } = containerOf(pods);
  const probes = [startupProbe, livenessProbe, readinessProbe].flatMap((probe) => probe ?? []);
  const ports = probes.map(({ httpGet }) => httpGet?.port);
  return missing("probed port", ports, portsOf(pods));
}

/** Volumes and mounts are the same ones, and no mount hides another. */
function volumes(pods: Pods): string[] {
  const mounts = containerOf(pods).volumeMounts ?? [];
  const mounted = mounts.map(({ name }) => name);
  const made = pods.template.spec?.volumes?.map(({ name }) => name) ?? [];
  const paths = mounts.map(({ mountPath }) => mountPath);
  const hidden = paths.filter((path, index) => paths.indexOf(path) !== index);
  return [
    ...missing("no volume", mounted, made),
    ...missing("no mount of", made, mounted),
    ...hidden.map((path) => `twice ${path}`),
  ];
}

/** A variable that is a path leads below a mount: nothing else of a file system is the chart's. */
function files(pods: Pods): string[] {
  const { env = [], volumeMounts = [] } = containerOf(pods);
  const isMounted = (path: string): boolean =>
    volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const paths = env.flatMap(({ value }) => (value?.startsWith("/") === true ? [value] : []));
  return paths.filter((path) => !isMounted(path)).map((path) => `no mount for ${path}`);
}

function secretsOf({ name, template }: Pods, secrets: ReadonlySet<string>): string[] {
  const { volumes: made = [], imagePullSecrets = [] } = template.spec ?? {};
  const { env = [] } = containerOf({ name, template });
  const names = [
    ...made.map(({ secret }) => secret?.secretName),
    ...imagePullSecrets.map((secret) => secret.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
  ];
  return missing(
    "no Secret",
    names.filter((each) => each !== undefined),
    [...secrets],
  );
}

function ingresses(objects: readonly KubernetesObject[]): string[] {
  const served = all(objects, "Service").flatMap(
    ({ metadata, spec }) => spec?.ports?.map(({ name }) => `${metadata?.name}:${name}`) ?? [],
  );
  return all(objects, "Ingress").flatMap(({ spec }) => {
    const paths = spec?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? [];
    const backends = paths.map(
      ({ backend: { service } }) => `${service?.name}:${service?.port?.name}`,
    );
    return missing("no Service", backends, served);
  });
}
