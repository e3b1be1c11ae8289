/** The parameters of an operation: those of its path, its query and its headers. */
import type { Operation } from "@millrace/proto";
import type { JsonSchema, JsonSchemas } from "./json-schemas.ts";

export type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
};

/** What the rest of a path is called in the document: there it has no name of its own. */
const REST = "path";

/** What stands in paths. A test holds that nothing is missing. */
const IN_PATHS: Readonly<Record<string, string>> = {
  taskId: "A task's id.",
  runId: "A run's id: `run_…`.",
  batchId: "A batch's id: `batch_…`.",
  tokenId: "A waitpoint token's id: `waitpoint_…`.",
  hash: "What makes the URL the permission.",
  id: "Its id.",
  key: "The key: of a stream up to 128 characters, of a trigger as its user wrote it.",
  target: "`self`, `parent` or `root`: the run itself, who triggered it, who began it all.",
  streamId: "Names what is sent, up to 121 characters.",
  queue: "The queue's id, name or task, as `type` says.",
  which: "`payload` or `output`.",
  ref: "A project; any is this installation.",
  slug: "The key's environment: its name, or `dev`, `stg`, `prod`, `preview`.",
  name: "The variable's name.",
  file: "Its name.",
  [REST]: "A name or path; slashes may stand as they are.",
};

/** A route's pattern as the document writes paths: `/runs/{runId}`. */
export function pathOf({ route }: Operation): string {
  return route.replaceAll(/:(\w+)/g, "{$1}").replace("*", `{${REST}}`);
}

export function parametersOf(operation: Operation, schemas: JsonSchemas): readonly Parameter[] {
  const inPath = [...pathOf(operation).matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path" as const,
    required: true,
    description: IN_PATHS[name] ?? "",
    schema: { type: "string" },
  }));
  const inHeaders = Object.entries(operation.headers ?? {}).map(([name, description]) => ({
    name,
    in: "header" as const,
    required: false,
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery(operation, schemas), ...inHeaders];
}

function inQuery({ query }: Operation, schemas: JsonSchemas): readonly Parameter[] {
  if (!query) return [];
  const { properties = {}, required = [] } = schemas.of(query) as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(typeof description === "string" ? { description } : {}),
    schema,
  }));
}
