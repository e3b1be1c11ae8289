/** What of the Helm chart needs no rendering: its values, and what its templates have in common with the services. */
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { DISPATCH, dispatchConsumer, MACHINE_SIZES, PRESETS, poolOf } from "@millrace/proto";
import { filesIn, read, unknownVariables, yaml } from "./files.ts";

type Values = Record<string, unknown>;
type Schema = {
  properties: {
    agents: { additionalProperties: { properties: { presets: { items: { enum: string[] } } } } };
  };
};

const CHART = "deploy/helm";
const schema = JSON.parse(read(`${CHART}/values.schema.json`)) as Schema;
const isValid = new Ajv({ allErrors: true, strict: false }).compile(schema);
const defaults = yaml<Values>(`${CHART}/values.yaml`);
const helpers = read(`${CHART}/templates/_helpers.tpl`);

/** As Helm puts a file of values over the chart's own. */
function over(base: Values, values: Values): Values {
  const merged = { ...base };
  for (const [name, value] of Object.entries(values)) {
    const below = merged[name];
    merged[name] = isObject(value) && isObject(below) ? over(below, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problems(values: Values): unknown {
  return isValid(over(defaults, values)) ? [] : isValid.errors;
}

describe("the chart's values", () => {
  it("are allowed as they are", () => {
    expect(problems({})).toEqual([]);
  });

  it.each(filesIn(`${CHART}/ci`))("%s are allowed", (path) => {
    expect(problems(yaml<Values>(path))).toEqual([]);
  });

  it.each<[string, Values]>([
    ["a name that does not exist", { gatway: {} }],
    ["a broker that is no URL", { broker: { url: "nats" } }],
    ["two copies", { broker: { replicas: 2 } }],
    ["a short master key", { secrets: { masterKey: "short" } }],
    ["a key that is none", { secrets: { secretKey: "secret" } }],
    [
      "an agent without an image",
      { agents: { a: { env: "prod", presets: ["micro"], cpus: 1, memoryGb: 1 } } },
    ],
    [
      "an unknown preset",
      { agents: { a: { image: "a", env: "prod", presets: ["huge"], cpus: 1, memoryGb: 1 } } },
    ],
  ])("are refused with %s", (_what, values) => {
    expect(problems(values)).not.toEqual([]);
  });

  it("name the presets there are", () => {
    const { items } = schema.properties.agents.additionalProperties.properties.presets;
    expect(items.enum).toEqual(PRESETS);
  });
});

describe("the chart's templates", () => {
  it.each(PRESETS)("know the size of %s", (preset) => {
    const [, cpu, memoryGb] =
      new RegExp(`"${preset}" \\(list (\\S+) (\\S+)\\)`).exec(helpers) ?? [];
    expect({ cpu: Number(cpu), memoryGb: Number(memoryGb) }).toEqual(MACHINE_SIZES[preset]);
  });

  it.each([
    ["coordinator.yaml", "coordinator"],
    ["scheduler.yaml", "scheduler"],
    ["gateway.yaml", "gateway"],
    ["agents.yaml", "worker-agent"],
    ["register-key.yaml", "keys"],
  ])("%s tells its service nothing that it does not read", (file, service) => {
    const text = helpers + read(`${CHART}/templates/${file}`);
    expect(unknownVariables(service, text.match(/\bMILLRACE_[A-Z_]+/g) ?? [])).toEqual([]);
  });

  it("name the consumers that agents pull from", () => {
    const text = read(`${CHART}/templates/autoscaling.yaml`);
    expect(text).toContain(`stream: ${DISPATCH.name}\n`);
    expect(text).toContain('printf "lane-%s-%s-%s%s" $agent.env');
    expect(text).toContain('printf "%s@%s" $pool .');
    const pool = poolOf("eu", "2026.11");
    const token = [...helpers.matchAll(/replace "(.)" "(=[0-9a-f]{4})"/g)].reduce(
      (name, [, char = "", code = ""]) => name.replaceAll(char, code),
      pool,
    );
    const { durable_name: name } = dispatchConsumer("prod", pool, "small-1x-shared");
    expect(`lane-prod-${token}-small-1x-shared`).toBe(name);
  });
});
