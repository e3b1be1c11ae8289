/** What holds of everything the chart makes, whatever the values. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unknownVariables } from "../../../deploy/docker/test/files.ts";
import { ChartCopy, ROOT, type Values } from "./chart.ts";
import { COMBINATIONS } from "./combinations.ts";
import { helmMissing, lint, template } from "./helm.ts";
import {
  all,
  containerOf,
  namesOf,
  podsOf,
  variablesOf,
  type KubernetesObject,
} from "./objects.ts";
import { danglingReferences } from "./references.ts";
import { schemaProblems } from "./schemas.ts";

const DOCUMENTED = new Set(
  readFileSync(join(ROOT, "docs/configuration.md"), "utf8").match(/\bMILLRACE_[A-Z_]+/g),
);
/** `NAME_FILE` gives a secret `NAME`. */
const isDocumented = (name: string): boolean =>
  DOCUMENTED.has(name) || DOCUMENTED.has(name.replace(/_FILE$/, ""));

const IMAGES = readFileSync(join(ROOT, "deploy/docker/Dockerfile"), "utf8");
const portOf = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(IMAGES)?.[1]);

/** The kinds whose name becomes a label, of their pods or of what an autoscaler makes of them, or a host's name. */
const SHORT_NAMES: ReadonlySet<string> = new Set(["Job", "ScaledObject", "Service"]);

type Labels = Readonly<Record<string, string>> | undefined;

const isSelected = (labels: Labels, selector: Labels): boolean =>
  selector !== undefined &&
  Object.entries(selector).every(([name, value]) => labels?.[name] === value);

/** The names of Secrets that values refer to. */
function secretsIn(values: Values): ReadonlySet<string> {
  const names = new Set<string>();
  JSON.stringify(values, (_name, value: unknown) => {
    if (typeof value === "string") names.add(value);
    return value;
  });
  return names;
}

describe.skipIf(helmMissing !== undefined)("rendered by helm", () => {
  let chart: ChartCopy;
  beforeAll(() => {
    chart = new ChartCopy();
  });
  afterAll(() => chart[Symbol.dispose]());

  describe.each(COMBINATIONS)("$name", ({ values, release = "tasks" }) => {
    let file = "";
    let objects: readonly KubernetesObject[] = [];
    const services = (): ReturnType<typeof podsOf> =>
      podsOf(objects).filter((pods) => containerOf(pods).name !== "register-key");

    beforeAll(async () => {
      file = chart.valuesFile(values);
      const rendering = await template({ chart: chart.path, values: [file], release });
      if (rendering.kind === "refused") throw new Error(rendering.message);
      objects = rendering.objects;
    });

    it("passes helm lint --strict", async () => {
      expect(await lint(chart.path, [file])).toMatchObject({ passed: true });
    });

    it("has the form that the schemas give, and no field beside them", () => {
      expect(objects.length).toBeGreaterThan(3);
      const problems = objects.flatMap((object) =>
        schemaProblems(object).map((problem) => [...namesOf([object]), problem].join(": ")),
      );
      expect(problems).toEqual([]);
    });

    it("makes nothing twice, and its names are allowed ones", () => {
      const names = namesOf(objects);
      expect(new Set(names).size).toBe(names.length);
      const tooLong = objects.filter(
        ({ kind, metadata }) => (metadata?.name?.length ?? 0) > (SHORT_NAMES.has(kind) ? 63 : 253),
      );
      expect(namesOf(tooLong)).toEqual([]);
      for (const { metadata } of objects)
        expect(metadata?.name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
    });

    it("selects the pods of each Deployment, and no others", () => {
      const selectedBy = (selector: Labels): string[] =>
        podsOf(objects)
          .filter(({ template: { metadata } }) => isSelected(metadata?.labels, selector))
          .map(({ name }) => name);
      const deployments = all(objects, "Deployment");
      for (const { metadata, spec } of deployments)
        expect(selectedBy(spec?.selector.matchLabels)).toEqual([metadata?.name]);
      for (const { metadata, spec } of all(objects, "PodDisruptionBudget"))
        expect(selectedBy(spec?.selector?.matchLabels)).toEqual([metadata?.name]);
      for (const { metadata, spec } of all(objects, "Service"))
        expect(selectedBy(spec?.selector)).toEqual([metadata?.name]);
      for (const { spec } of all(objects, "PodMonitor"))
        expect(selectedBy(spec.selector.matchLabels)).toEqual(
          expect.arrayContaining(deployments.map(({ metadata }) => metadata?.name)),
        );
    });

    it("may lose one pod at a time of everything that has several", () => {
      const budgets = all(objects, "PodDisruptionBudget");
      const protectedOnes = budgets.map(({ metadata }) => metadata?.name);
      const several = all(objects, "Deployment").filter(({ spec }) => spec?.replicas !== 1);
      expect(protectedOnes).toEqual(
        expect.arrayContaining(several.map(({ metadata }) => metadata?.name)),
      );
      for (const { spec } of budgets) expect(spec).toMatchObject({ maxUnavailable: 1 });
    });

    it("refers to ports, volumes, Secrets, Services and Deployments that there are", () => {
      expect(danglingReferences(objects, secretsIn(values))).toEqual([]);
    });

    it("serves at the ports that the images listen on, and asks for the service's own state", () => {
      const health = { name: "health", containerPort: portOf("MILLRACE_HEALTH_PORT") };
      const http = { name: "http", containerPort: portOf("MILLRACE_GATEWAY_PORT") };
      const on = (path: string): object => ({ httpGet: { path, port: "health" } });
      for (const pods of services()) {
        const container = containerOf(pods);
        expect(container.ports).toEqual(container.name === "gateway" ? [health, http] : [health]);
        expect(container).toMatchObject({
          startupProbe: on("/healthz"),
          livenessProbe: on("/healthz"),
          readinessProbe: on("/readyz"),
        });
      }
      for (const { spec } of all(objects, "PodMonitor"))
        expect(spec.podMetricsEndpoints).toEqual([{ port: "health", path: "/metrics" }]);
    });

    it("sets each variable once; it is documented, and the chart's own are read by the service", () => {
      const given = secretsIn(values);
      for (const pods of podsOf(objects)) {
        const container = containerOf(pods);
        const names = (container.env ?? []).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(names.filter((name) => !isDocumented(name))).toEqual([]);
        const service = container.name === "register-key" ? "keys" : container.name;
        const own = names.filter((name) => !given.has(name));
        expect(unknownVariables(service, own)).toEqual([]);
      }
    });

    it("shows no secret but in a Secret", () => {
      const { masterKey = "", secretKey = "" } = (values["secrets"] ?? {}) as Readonly<
        Record<string, string>
      >;
      const shown = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
      for (const secret of [masterKey, secretKey].filter((each) => each !== ""))
        expect(shown).not.toContain(secret);
      for (const pods of podsOf(objects)) {
        const variables = variablesOf(containerOf(pods));
        for (const name of ["MILLRACE_MASTER_KEY", "MILLRACE_SECRET_KEY"])
          expect(variables.has(name)).toBe(false);
      }
    });

    it("runs nothing as root and nothing that writes to its image, and lets agents drain", () => {
      for (const pods of podsOf(objects)) {
        const container = containerOf(pods);
        expect(pods.template.spec).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true },
        });
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      for (const pods of services()) {
        const drainMs = Number(variablesOf(containerOf(pods)).get("MILLRACE_DRAIN_MS") ?? 0);
        expect(pods.template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(drainMs / 1000);
      }
    });
  });
});
