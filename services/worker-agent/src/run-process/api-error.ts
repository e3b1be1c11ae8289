import type { CallError } from "../process/messages.ts";

/** A call of the run's code was refused; what is refused changed nothing. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  constructor({ status, code, message }: CallError) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
