/** A copy of the chart that can be rendered where nothing can be downloaded: a chart in place of the broker's own. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

export const ROOT = join(import.meta.dirname, "../../..");
export const CHART = join(ROOT, "deploy/helm");

export type Values = Readonly<Record<string, unknown>>;

type Manifest = {
  readonly dependencies: readonly { readonly name: string; readonly version: string }[];
};

/** The range of versions of the broker's chart that this one takes. */
export function brokerChartRange(): string {
  const manifest = parse(readFileSync(join(CHART, "Chart.yaml"), "utf8")) as Manifest;
  const dependency = manifest.dependencies.find(({ name }) => name === "nats");
  if (dependency === undefined) throw new Error("Chart.yaml names no chart of NATS");
  return dependency.version;
}

/** Makes one object that holds its values as it got them: whether it is rendered, and with what, is Helm's own doing. */
const STAND_IN = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}
data:
  values: {{ toJson .Values | quote }}
`;

export class ChartCopy implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "millrace-chart-"));
  #files = 0;

  /** `brokerChart`: the folder of a chart of NATS, a stand-in for it, or none at all. */
  constructor(brokerChart: "stand-in" | "missing" | { readonly folder: string } = "stand-in") {
    cpSync(CHART, this.path, { recursive: true, filter: (path) => path !== join(CHART, "charts") });
    const nats = join(this.path, "charts/nats");
    if (typeof brokerChart === "object") cpSync(brokerChart.folder, nats, { recursive: true });
    if (brokerChart !== "stand-in") return;
    mkdirSync(join(nats, "templates"), { recursive: true });
    const version = brokerChartRange().replace(/^[~^]/, "");
    writeFileSync(join(nats, "Chart.yaml"), stringify({ apiVersion: "v2", name: "nats", version }));
    writeFileSync(join(nats, "templates/values.yaml"), STAND_IN);
  }

  get path(): string {
    return join(this.#folder, "millrace");
  }

  /** A file of values, for `--values`. */
  valuesFile(values: Values): string {
    this.#files += 1;
    const path = join(this.#folder, `values-${this.#files}.yaml`);
    writeFileSync(path, stringify(values, { version: "1.1" })); // as Helm reads it
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
