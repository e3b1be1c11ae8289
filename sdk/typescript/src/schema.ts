/**
 * Schemas as users' libraries make them: what a payload is before and after parsing, and how it is parsed. Anything
 * that implements Standard Schema, and the parsers of those that do not.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Untyped } from "./untyped.ts";

/** Zod 3, and whatever else has `_input` and `_output`. */
type TypedParser = { readonly _input: unknown; readonly _output: unknown };
/** A library's object with a function that gives the value or throws. */
type Parser<T> =
  | { readonly parseAsync: (value: unknown) => Promise<T> }
  | { readonly parse: (value: unknown) => T }
  | { readonly validateSync: (value: unknown) => T }
  | { readonly create: (value: unknown) => T }
  | { readonly check: (value: unknown) => T }
  | { readonly Decode: (value: unknown) => T };
/** TypeBox's compiled type. */
type CompiledType<T> = { readonly Schema: () => { readonly static: T } };
type ParserFunction<T> = (value: unknown) => T | Promise<T>;

export type Schema = StandardSchemaV1 | TypedParser | Parser<Untyped> | ParserFunction<Untyped>;

/** What may be triggered with. */
export type SchemaInput<TSchema> = TSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<TSchema>
  : TSchema extends TypedParser
    ? TSchema["_input"]
    : SchemaOutput<TSchema>;

/** What `run` gets. */
export type SchemaOutput<TSchema> = TSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<TSchema>
  : TSchema extends TypedParser
    ? TSchema["_output"]
    : TSchema extends CompiledType<infer T>
      ? T
      : TSchema extends Parser<infer T>
        ? T
        : TSchema extends ParserFunction<infer T>
          ? Awaited<T>
          : never;

type Parse = (value: unknown) => unknown;

/** The ways to parse that libraries without Standard Schema have, in the order in which they are looked for. */
const METHODS = ["parseAsync", "parse", "validateSync", "create", "check", "Decode"] as const;

/**
 * How a payload is parsed: gives the parsed payload, or throws, or a promise that does.
 * @throws Error when the schema is of no kind that is known
 */
export function parserOf(schema: unknown): Parse {
  if (isStandard(schema)) return (value) => standardParse(schema, value);
  if (isRawSchema(schema))
    throw new Error(
      "this schema cannot parse by itself: give schemaTask() TypeCompiler.Compile(schema) of TypeBox, " +
        "or Schema.standardSchemaV1(schema) of Effect",
    );
  if (typeof schema === "function") return schema as Parse;
  if (typeof schema === "object" && schema !== null)
    for (const name of METHODS) {
      const method = (schema as Readonly<Record<string, unknown>>)[name];
      if (typeof method === "function") return (value) => method.call(schema, value) as unknown;
    }
  throw new Error("schema is of no known kind: give a Standard Schema or a function that parses");
}

function isStandard(schema: unknown): schema is StandardSchemaV1 {
  const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  return isHolder && "~standard" in schema;
}

/** TypeBox's and Effect's descriptions: parsing is another module's business. */
function isRawSchema(schema: unknown): boolean {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return false;
  return Symbol.for("TypeBox.Kind") in schema || Symbol.for("effect/Schema") in schema;
}

async function standardParse(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues) throw new Error(describe(result.issues));
  return result.value;
}

function describe(issues: readonly StandardSchemaV1.Issue[]): string {
  return issues.map(({ message, path }) => `${pathOf(path)}${message}`).join("; ");
}

function pathOf(path: StandardSchemaV1.Issue["path"]): string {
  if (path === undefined || path.length === 0) return "";
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  return `${keys.join(".")}: `;
}
