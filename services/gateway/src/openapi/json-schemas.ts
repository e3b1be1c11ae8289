/** The zod schemas of the API as JSON Schema, those with a name as components that the others refer to. */
import { z } from "zod";

export type JsonSchema = Readonly<Record<string, unknown>>;

const PREFIX = "#/components/schemas/";

export class JsonSchemas {
  readonly components: Readonly<Record<string, JsonSchema>>;
  readonly #inline: ReadonlyMap<z.ZodType, JsonSchema>;

  /**
   * @param named name → schema
   * @param others all schemas that `of` will be asked for; those that have a name may be among them
   */
  constructor(named: Readonly<Record<string, z.ZodType>>, others: readonly z.ZodType[]) {
    const registry = z.registry<{ id: string }>();
    const names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]));
    for (const [schema, id] of names) registry.add(schema, { id });
    const unnamed = [...new Set(others)].filter((schema) => !names.has(schema));
    const idOf = (index: number): string => `unnamed ${index}`;
    for (const [index, schema] of unnamed.entries()) registry.add(schema, { id: idOf(index) });

    const { schemas } = z.toJSONSchema(registry, {
      target: "draft-2020-12",
      // As they cross the wire; answers may get further fields.
      io: "input",
      unrepresentable: "any",
      uri: (id) => `${PREFIX}${id}`,
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type === "date")
          Object.assign(jsonSchema, { type: "string", format: "date-time" });
        // The format says it; the pattern is a page long.
        if (jsonSchema.format === "date-time" || jsonSchema.format === "date")
          delete jsonSchema.pattern;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    });
    const schemaOf = (id: string): JsonSchema => {
      const { $schema: _, $id: __, ...schema } = schemas[id] ?? {};
      return schema;
    };
    this.components = Object.fromEntries(Object.keys(named).map((id) => [id, schemaOf(id)]));
    this.#inline = new Map<z.ZodType, JsonSchema>([
      ...[...names].map(([schema, name]) => [schema, { $ref: `${PREFIX}${name}` }] as const),
      ...unnamed.map((schema, index) => [schema, schemaOf(idOf(index))] as const),
    ]);
  }

  /** A reference where the schema has a name. */
  of(schema: z.ZodType): JsonSchema {
    const found = this.#inline.get(schema);
    if (!found) throw new Error("a schema of the API was not collected");
    return found;
  }
}
