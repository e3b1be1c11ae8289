/** What can go wrong with a broker, named by consequence. */

/** Nothing was decided: the broker did not answer in time. Trying the same again is safe. */
export class BrokerUnavailableError extends Error {
  override readonly name = "BrokerUnavailableError";
}

/** The broker answered and refused; trying the same again will be refused again. */
export class BrokerRefusedError extends Error {
  override readonly name = "BrokerRefusedError";
  readonly code: number;
  constructor(code: number, description: string, what: string) {
    super(`${what}: ${description} (broker error ${code})`);
    this.code = code;
  }
}

/** The broker is there and does not let this process in, or this process does not trust it: somebody has to set something. */
export class BrokerAccessError extends Error {
  override readonly name = "BrokerAccessError";
}
