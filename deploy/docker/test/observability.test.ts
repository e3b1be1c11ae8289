/** The dashboard and the alerts ask for figures that there are. */
import { describe, expect, it } from "vitest";
import { read, yaml } from "./files.ts";

type Dashboard = {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};
type Alerts = {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
};

const dashboard = JSON.parse(read("deploy/grafana/millrace.json")) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== "row");
const documented = new Set(
  [...read("docs/metrics.md").matchAll(/^\| `(millrace_\w+)`/gm)].map(([, name]) => name),
);

function unknownMetrics(expr: string): string[] {
  const names = expr.match(/\bmillrace_\w+/g) ?? [];
  return names.filter((name) => !documented.has(name.replace(/_(bucket|count|sum)$/, "")));
}

describe("the dashboard", () => {
  it.each(panels)("$title asks for documented metrics", ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) {
      expect(expr).toMatch(/millrace_|process_|nodejs_/);
      expect(unknownMetrics(expr)).toEqual([]);
    }
  });

  it("has panels with ids of their own, inside of its grid", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { gridPos } of dashboard.panels)
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});

it("alerts on documented metrics", () => {
  const rules = yaml<Alerts>("deploy/observability/alerts.yml").groups.flatMap(
    (group) => group.rules,
  );
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.flatMap(({ expr }) => unknownMetrics(expr))).toEqual([]);
});

it("scrapes every service by a name that docker-compose.yml has, on the port of the images", () => {
  const { scrape_configs: jobs } = yaml<{
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
  }>("deploy/observability/prometheus.yml");
  const { services } = yaml<{ services: Record<string, unknown> }>("docker-compose.yml");
  const names = jobs.flatMap((job) => job.dns_sd_configs.flatMap((each) => each.names));
  expect(names.toSorted()).toEqual(["coordinator", "gateway", "scheduler", "worker-agent"]);
  expect(Object.keys(services)).toEqual(expect.arrayContaining(names));
  const port = /MILLRACE_HEALTH_PORT=(\d+)/.exec(read("deploy/docker/Dockerfile"))?.[1];
  for (const {
    dns_sd_configs: [found],
  } of jobs)
    expect(String(found?.port)).toBe(port);
});
