/** What a subscription needs of its connection. When it is over, nothing that is sent here goes anywhere. */
import type { LiveMessage, Refusal } from "@millrace/proto";

export type Outlet = {
  readonly id: string;
  readonly send: (message: LiveMessage) => void;
  /** A message that is JSON already. */
  readonly sendText: (text: string) => void;
  /** Tells that nothing comes any more. */
  readonly end: () => void;
  /** Resolves when the client has read most of what it was sent, or does not matter any more. */
  readonly isWritable: () => Promise<void>;
  /** Ends the connection of a client that reads too slowly. */
  readonly cutOff: () => void;
};

export type Subscription = {
  /**
   * Called once.
   * @returns why there is nothing to follow
   * @throws BrokerUnavailableError
   */
  start(): Promise<Refusal | undefined>;
  stop(): void;
};
