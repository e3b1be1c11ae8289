import { describe, expect, it } from "vitest";
import { ERRORS, refuse, type ErrorCode } from "@millrace/proto";
import * as errors from "../src/errors.ts";

const CLASS_NAMES: readonly [number | undefined, string][] = [
  [undefined, "ApiConnectionError"],
  [400, "BadRequestError"],
  [401, "AuthenticationError"],
  [403, "PermissionDeniedError"],
  [404, "NotFoundError"],
  [409, "ConflictError"],
  [413, "ApiError"],
  [422, "UnprocessableEntityError"],
  [429, "RateLimitError"],
  [500, "InternalServerError"],
  [503, "InternalServerError"],
];

it.each(CLASS_NAMES)("status %s is the class %s", (status, name) => {
  const error = errors.apiError(status, "why", "CODE");
  expect(error).toMatchObject({ name, status, message: "why", code: "CODE" });
  expect(error.constructor.name).toBe(name);
  expect(error).toBeInstanceOf(errors.ApiError);
});

describe("a refusal has the status of its code", () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])("%s", (code) => {
    expect(errors.refusalError(refuse(code, "why"))).toMatchObject({
      status: ERRORS[code].status,
      code,
      message: "why",
    });
  });
});
