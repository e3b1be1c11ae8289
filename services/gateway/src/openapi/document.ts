/** The OpenAPI document of what the gateway serves, made of the operations and schemas of the contract. */
import {
  COMPONENTS,
  OPERATIONS,
  type Content,
  type Credentials,
  type Operation,
  type RequestBody,
} from "@millrace/proto";
import type { z } from "zod";
import { JsonSchemas, type JsonSchema } from "./json-schemas.ts";
import { parametersOf, pathOf, type Parameter } from "./parameters.ts";
import {
  RATE_HEADERS,
  refusalResponses,
  sharedRefusals,
  type Response,
  type ResponseReference,
} from "./refusal-responses.ts";

type Media = Readonly<Record<string, { readonly schema?: JsonSchema }>>;

type OperationObject = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly description?: string;
    readonly required: boolean;
    readonly content: Media;
  };
  readonly responses: Readonly<Record<string, Response | ResponseReference>>;
};

export type OpenApiDocument = {
  readonly openapi: string;
  readonly info: object;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  /** Path → method in lower case → operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

const JSON_TYPE = "application/json";
const VERSION = "0.1.0";

/** @param publicUrl under which address callers reach the gateway; undefined: where they read the document */
export function openApiDocument(publicUrl: string | undefined): OpenApiDocument {
  const schemas = new JsonSchemas(COMPONENTS, OPERATIONS.flatMap(schemasIn));
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const operation of OPERATIONS) {
    const path = (paths[pathOf(operation)] ??= {});
    path[operation.method.toLowerCase()] = operationObject(operation, schemas);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Millrace",
      version: VERSION,
      summary: "Durable background tasks.",
      description:
        "Refusals are `{ error, code }`; programs go by `code`. Times are ISO 8601 unless they say otherwise. Answers may get further fields.",
    },
    servers: [{ url: publicUrl?.replace(/\/+$/, "") ?? "/" }],
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components,
      responses: sharedRefusals(schemas),
      securitySchemes: SCHEMES,
      headers: headers(),
    },
  };
}

const SCHEMES = {
  secretKey: {
    type: "http",
    scheme: "bearer",
    description: "A secret key of an environment: it may do everything there.",
  },
  publicToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A public token, for browsers: it may do what its scopes say.",
  },
} as const;

function headers(): Readonly<Record<string, object>> {
  const all = { "retry-after": "In how many seconds to go on.", ...RATE_HEADERS };
  return Object.fromEntries(
    Object.entries(all).map(([name, description]) => [
      name,
      { description, schema: { type: "integer" } },
    ]),
  );
}

function operationObject(operation: Operation, schemas: JsonSchemas): OperationObject {
  const { id, tag, summary, description, credentials, body, answers } = operation;
  const parameters = parametersOf(operation, schemas);
  const answered = Object.entries(answers).map(([status, content]): [string, Response] => [
    status,
    response(content, schemas),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security(credentials),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body ? { requestBody: requestBody(body, schemas) } : {}),
    responses: { ...refusalResponses(operation, schemas), ...Object.fromEntries(answered) },
  };
}

/** Alternatives, any one of which is enough. */
function security(credentials: Credentials): OperationObject["security"] {
  if (credentials.by === "anyone") return [];
  if (credentials.by === "secret-key") return [{ secretKey: [] }];
  const { scopes } = credentials;
  const tokens = scopes.length === 0 ? [[]] : scopes.map((scope) => [scope]);
  return [{ secretKey: [] }, ...tokens.map((needed) => ({ publicToken: needed }))];
}

function requestBody(
  body: RequestBody,
  schemas: JsonSchemas,
): NonNullable<OperationObject["requestBody"]> {
  const { schema, type = JSON_TYPE, isOptional, description } = body;
  return {
    ...(description === undefined ? {} : { description }),
    required: isOptional !== true,
    content: { [type]: mediaType(schema, schemas) },
  };
}

function response(content: Content, schemas: JsonSchemas): Response {
  const { description, schema, type = JSON_TYPE, isEmpty, headers: named } = content;
  return {
    description,
    ...(named ? { headers: responseHeaders(named) } : {}),
    ...(isEmpty ? {} : { content: { [type]: mediaType(schema, schemas) } }),
  };
}

function responseHeaders(named: NonNullable<Content["headers"]>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(named).map(([name, description]) => [
      name,
      { description, schema: { type: "string" } },
    ]),
  );
}

function mediaType(schema: z.ZodType | undefined, schemas: JsonSchemas): Media[string] {
  return schema ? { schema: schemas.of(schema) } : {};
}

function schemasIn({ query, body, answers, errors = [] }: Operation): readonly z.ZodType[] {
  return [
    query,
    body?.schema,
    ...Object.values(answers).map(({ schema }) => schema),
    ...errors.map((error) => (typeof error === "string" ? undefined : error.schema)),
  ].filter((schema) => schema !== undefined);
}
