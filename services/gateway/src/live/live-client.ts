/**
 * A WebSocket, from its handshake to its end.
 *
 * 1. Nothing is served before it is known who it is: by the handshake, or by its first message within some seconds.
 * 2. It ends when its token expires, and soon after its key or token stopped being valid, each with its own code.
 * 3. One that answers no ping is gone.
 */
import {
  LIVE,
  liveAuthSchema,
  type LiveAuth,
  type LiveMessage,
  type Refusal,
} from "@millrace/proto";
import type { Logger } from "@millrace/service-kit";
import type { WebSocket } from "@fastify/websocket";
import type { Identity } from "../security/authenticate.ts";
import type { LiveConnection } from "./live-connection.ts";

type Parts = {
  readonly identify: (credential: string, branch?: string) => Promise<Identity | Refusal>;
  /** Counts it; false: it comes too often. */
  readonly isWithinRate: (identity: Identity) => boolean;
  readonly connect: (socket: WebSocket, identity: Identity) => LiveConnection;
  readonly log: Logger;
};

/** Characters that may come before it is known who sends them. */
const MAX_WAITING = 1_000_000;
/** Timers do not last longer. */
const MAX_TIMER_MS = 86_400_000;

export class LiveClient {
  readonly #socket: WebSocket;
  readonly #parts: Parts;
  #connection: LiveConnection | undefined;
  /** Of whoever was admitted: whether they still would be. */
  #identifyAgain: (() => Promise<Identity | Refusal>) | undefined;
  /** What came while a credential is being looked at. */
  #waiting: string[] | undefined;
  #waitingLength = 0;
  #isAnswered = true;
  readonly #pinging: NodeJS.Timeout;
  /** For its credential, then for the credential's end. */
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, parts: Parts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#pinging = setInterval(() => this.#ping(), LIVE.pingMs);
    socket.on("pong", () => {
      this.#isAnswered = true;
    });
    socket.on("message", (data) => this.#receive((data as Buffer).toString()));
    socket.on("close", () => this.#end());
  }

  /** Its handshake said who it is. */
  admit(identity: Identity, identifyAgain: () => Promise<Identity | Refusal>): void {
    this.#identifyAgain = identifyAgain;
    this.#connection = this.#parts.connect(this.#socket, identity);
    clearTimeout(this.#timer);
    if (identity.token) this.#endAt(identity.token.expiresAt);
  }

  /** It has to say who it is. */
  expectCredential(): void {
    this.#timer = setTimeout(
      () => this.#socket.close(LIVE.unauthenticated, "no credential came"),
      LIVE.authPatienceMs,
    );
  }

  #receive(text: string): void {
    if (this.#connection) return this.#connection.receive(text);
    if (this.#waiting) {
      this.#waiting.push(text);
      this.#waitingLength += text.length;
      if (this.#waitingLength > MAX_WAITING) this.#socket.terminate();
      return;
    }
    const auth = authIn(text);
    if (auth === undefined)
      return this.#socket.close(LIVE.unauthenticated, "expected an auth message");
    this.#waiting = [];
    this.#authenticate(auth).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, "a credential could not be looked at");
      this.#socket.terminate();
    });
  }

  async #authenticate({ token, branch }: LiveAuth): Promise<void> {
    const identify = (): Promise<Identity | Refusal> => this.#parts.identify(token, branch);
    const identity = await identify();
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (!identity.ok) return socket.close(LIVE.unauthenticated, identity.message);
    if (identity.token?.isOneTime)
      return socket.close(LIVE.forbidden, "a one-time token does not open this");
    if (!this.#parts.isWithinRate(identity))
      return socket.close(LIVE.rateLimited, "rate limit exceeded");
    socket.send(JSON.stringify({ type: "ready" } satisfies LiveMessage));
    this.admit(identity, identify);
    for (const text of this.#waiting ?? []) this.#connection?.receive(text);
    this.#waiting = undefined;
  }

  #endAt(expiresAt: number): void {
    const leftMs = expiresAt - Date.now();
    if (leftMs <= 0) return this.#socket.close(LIVE.tokenExpired, "the token has expired");
    this.#timer = setTimeout(() => this.#endAt(expiresAt), Math.min(leftMs, MAX_TIMER_MS));
  }

  #ping(): void {
    if (!this.#isAnswered) return this.#socket.terminate();
    this.#isAnswered = false;
    this.#socket.ping();
    void this.#checkAgain();
  }

  /** Keys are revoked, and with them the tokens they signed. */
  async #checkAgain(): Promise<void> {
    const identity = await this.#identifyAgain?.().catch(() => undefined);
    if (identity?.ok === false) this.#socket.close(LIVE.unauthenticated, identity.message);
  }

  #end(): void {
    clearInterval(this.#pinging);
    clearTimeout(this.#timer);
    this.#connection?.close();
  }
}

function authIn(text: string): LiveAuth | undefined {
  try {
    return liveAuthSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
