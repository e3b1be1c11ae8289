/** What the gateway refuses. */

/** The gateway refused, or a proxy before it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The same request may succeed a moment later. */
  readonly isTransient: boolean;

  constructor(status: number, message: string, isTransient: boolean) {
    super(message);
    this.status = status;
    this.isTransient = isTransient;
  }
}

/** What was thrown, as an `Error`. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
