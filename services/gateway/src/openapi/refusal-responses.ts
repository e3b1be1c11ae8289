/** What an operation refuses with, by status: several errors may share one. */
import {
  commonErrors,
  ERRORS,
  forbiddenSchema,
  httpStatus,
  rateLimitedSchema,
  refusalSchema,
  type ErrorCode,
  type Operation,
} from "@millrace/proto";
import type { JsonSchema, JsonSchemas } from "./json-schemas.ts";

export type Response = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
};
export type ResponseReference = { readonly $ref: string };

/** Of credentials that may do a number of requests in a time, in every answer. */
export const RATE_HEADERS: Readonly<Record<string, string>> = {
  "x-ratelimit-limit": "How many requests the credential may send at once.",
  "x-ratelimit-remaining": "How many are left.",
  "x-ratelimit-reset": "When all of them are there again, epoch milliseconds.",
};

/** Refusals by one code alone are the same everywhere: components, named by the code. */
export function sharedRefusals(schemas: JsonSchemas): Readonly<Record<string, Response>> {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  return {
    ...Object.fromEntries(codes.map((code) => [code, refusal([code], schemas)])),
    FORBIDDEN: {
      description: "The credential does not allow this: `message` says what is missing.",
      content: { "application/json": { schema: schemas.of(forbiddenSchema) } },
    },
    RATE_LIMITED: {
      description: "The credential sent too many requests: `retry-after` says when to go on.",
      headers: Object.fromEntries(
        ["retry-after", ...Object.keys(RATE_HEADERS)].map((name) => [
          name,
          { $ref: `#/components/headers/${name}` },
        ]),
      ),
      content: { "application/problem+json": { schema: schemas.of(rateLimitedSchema) } },
    },
  };
}

export function refusalResponses(
  operation: Operation,
  schemas: JsonSchemas,
): Readonly<Record<string, Response | ResponseReference>> {
  const byStatus = new Map<number, ErrorCode[]>();
  const own = new Map<number, JsonSchema>();
  const isClosed = operation.credentials.by !== "anyone";
  const ofCredentials = isClosed ? (["FORBIDDEN", "RATE_LIMITED"] as const) : [];
  for (const error of [...commonErrors(operation), ...ofCredentials, ...(operation.errors ?? [])]) {
    const { code, status } =
      typeof error === "string" ? { code: error, status: httpStatus(error) } : error;
    byStatus.set(status, [...new Set([...(byStatus.get(status) ?? []), code])]);
    if (typeof error === "object" && error.schema) own.set(status, schemas.of(error.schema));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const [code, ...others] = codes;
      const isShared =
        code !== undefined &&
        others.length === 0 &&
        httpStatus(code) === status &&
        !own.has(status);
      return [
        String(status),
        isShared
          ? { $ref: `#/components/responses/${code}` }
          : refusal(codes, schemas, own.get(status)),
      ];
    }),
  );
}

function refusal(
  codes: readonly ErrorCode[],
  schemas: JsonSchemas,
  own: JsonSchema = { ...schemas.of(refusalSchema), properties: { code: { enum: codes } } },
): Response {
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].summary}.`).join(" "),
    content: { "application/json": { schema: own } },
  };
}
