/** The HTTP status of an error that came inside an answer. */
import { ERRORS, httpStatus, type ErrorCode } from "@millrace/proto";

/** A code of a newer gateway's is a refusal: trying again would be refused again. */
export function statusOf(code: string | undefined): number {
  return code !== undefined && Object.hasOwn(ERRORS, code) ? httpStatus(code as ErrorCode) : 400;
}
