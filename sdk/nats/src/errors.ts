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
