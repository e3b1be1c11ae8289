/** The import rules: which layer may depend on which, held over package.json files and over imports. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** Layer → layers it may depend on. The one place where the architecture is written down as code. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  nats: ["proto"],
  sdk: ["proto", "nats"],
  kit: ["proto", "nats"],
  service: ["proto", "kit"],
  agent: ["proto", "kit", "sdk"],
  broker: [],
  cli: ["proto", "nats", "kit", "sdk", "broker"],
  harness: ["proto", "nats", "kit", "broker"],
  bench: ["proto", "nats", "sdk", "harness"],
  example: ["sdk"],
  tests: ["proto", "nats", "sdk", "harness"],
  sim: ["proto", "kit", "service", "agent"],
};

type Package = {
  readonly dir: string;
  readonly name: string;
  readonly layer: string;
  readonly dependencies: readonly string[];
};
type Manifest = {
  name: string;
  workspaces?: string[];
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  nx?: { tags?: string[] };
};

const root = join(import.meta.dirname, "../../..");
const manifestOf = (dir: string): Manifest =>
  JSON.parse(readFileSync(join(root, dir, "package.json"), "utf8")) as Manifest;

const packages: Package[] = (manifestOf(".").workspaces ?? [])
  .flatMap((pattern) =>
    pattern.endsWith("/*")
      ? readdirSync(join(root, pattern.slice(0, -2))).map(
          (name) => `${pattern.slice(0, -1)}${name}`,
        )
      : [pattern],
  )
  .filter((dir) => existsSync(join(root, dir, "package.json")))
  .map((dir) => {
    const manifest = manifestOf(dir);
    return {
      dir,
      name: manifest.name,
      layer: manifest.nx?.tags?.find((tag) => tag.startsWith("layer:"))?.slice(6) ?? "none",
      dependencies: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    };
  });
const byName = new Map(packages.map((each) => [each.name, each]));

const IMPORT = /(?:from|import)\s*\(?\s*["']([@\w][^"'\s]*)["']/g;

function importsOf({ dir }: Package): string[] {
  const src = join(root, dir, "src");
  if (!existsSync(src)) return [];
  const specifiers = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      [...readFileSync(join(src, file), "utf8").matchAll(IMPORT)].map((match) => match[1] ?? ""),
    );
  return [...new Set(specifiers)].filter((specifier) => !specifier.startsWith("node:"));
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

describe.each(packages)("$name", (each) => {
  test("is in a known layer and depends only on the layers below it", () => {
    expect(Object.keys(MAY_IMPORT)).toContain(each.layer);
    const wrong = each.dependencies.filter((name) => {
      const layer = byName.get(name)?.layer;
      return layer !== undefined && !MAY_IMPORT[each.layer]?.includes(layer);
    });
    expect(wrong).toEqual([]);
  });

  test("declares every package it imports", () => {
    const undeclared = importsOf(each)
      .map(packageOf)
      .filter((name) => name !== each.name && !each.dependencies.includes(name));
    expect([...new Set(undeclared)]).toEqual([]);
  });

  test("only nats, the kit and the tests' harness import the broker's client", () => {
    const client = importsOf(each).filter((specifier) => specifier.startsWith("@nats-io/"));
    if (!["nats", "kit", "harness"].includes(each.layer)) expect(client).toEqual([]);
  });
});

test("the workspace was found", () => {
  expect(packages.length).toBeGreaterThan(10);
});
