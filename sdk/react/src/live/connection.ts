/**
 * Everything a page follows with one token, over one WebSocket: opened for the first that is followed, closed after the
 * last.
 *
 * 1. A connection that is lost is opened again, ever more patiently, and at once when the browser has a network again.
 *    What is followed then goes on where it was: it knows its own place.
 * 2. A refusal ends what was refused, and nothing else. What the gateway cannot do at the moment is tried again.
 * 3. A token that is not valid any more is replaced by a fresh one, where somebody who follows can get one; else it ends
 *    everything.
 * 4. When nothing is followed there is no socket, no timer and no listener. It is closed when the code that stopped the
 *    last has run: components that are mounted anew in between go on with the same connection.
 */
import { ERRORS, httpStatus, LIVE, type LiveMessage, type LiveSubscribe } from "@millrace/proto";
import { ApiError, errorOf } from "../api-error.ts";
import { onWindow } from "./on-window.ts";
import { openSocket, type Socket, type SocketEnd } from "./socket.ts";

type Told = Extract<LiveMessage, { readonly type: "row" | "chunk" | "caught-up" }>;

export type Followed = {
  /** The subscription that goes on where this is now. */
  readonly request: (id: string) => LiveSubscribe;
  readonly onMessage: (message: Told) => void;
  /** Nothing comes any more: all of it was told. */
  readonly onEnd: () => void;
  /** Nothing comes any more: it was refused. */
  readonly onError: (error: Error) => void;
  /** Makes a fresh token, where one can be had, for all who share the connection. */
  readonly refreshToken: () => Promise<string> | undefined;
  /** The token that is valid now: at first, and when there is a fresh one. */
  readonly onToken: (token: string) => void;
};

type Line =
  | { readonly kind: "closed" }
  | { readonly kind: "refreshing" }
  | { readonly kind: "waiting"; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly kind: "open"; readonly socket: Socket };

const PING = "ping";
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 15_000;
/** A connection that lived for so long was a good one: the next try is a first one. */
const GOOD_MS = 5000;

export class Connection {
  readonly #baseURL: string;
  readonly #onUnused: () => void;
  readonly #followed = new Map<string, Followed>();
  #token: string;
  #line: Line = { kind: "closed" };
  #next = 0;
  /** Connections in a row that did not last. */
  #failures = 0;
  #readyAt: number | undefined;
  /** Whether the token is a fresh one that was not accepted yet. */
  #isFresh = false;
  #isHeard = true;
  #asking: ReturnType<typeof setInterval> | undefined;
  #forget: (() => void) | undefined;

  constructor(baseURL: string, token: string, onUnused: () => void) {
    this.#baseURL = baseURL;
    this.#token = token;
    this.#onUnused = onUnused;
  }

  /** Until what it returns is called, its end, or its error. */
  follow(followed: Followed): () => void {
    const id = String(this.#next++);
    this.#followed.set(id, followed);
    followed.onToken(this.#token);
    this.#forget ??= onWindow("online", () => this.#reopen());
    this.#asking ??= setInterval(() => this.#ask(), LIVE.pingMs);
    if (this.#line.kind === "closed") this.#open();
    else if (this.#line.kind === "open") this.#line.socket.send(followed.request(id));
    return () => {
      if (!this.#followed.delete(id)) return;
      if (this.#line.kind === "open") this.#line.socket.send({ type: "unsubscribe", id });
      this.#closeSoon();
    };
  }

  #open(): void {
    this.#isHeard = true;
    this.#readyAt = undefined;
    try {
      const socket = openSocket(this.#baseURL, this.#token, {
        onOpen: () => {
          for (const [id, followed] of this.#followed) socket.send(followed.request(id));
        },
        onMessage: (message) => this.#receive(message),
        onEnd: (end) => this.#lost(end),
      });
      this.#line = { kind: "open", socket };
    } catch (error) {
      this.#line = { kind: "closed" };
      // Whoever follows has not been told yet how to stop.
      queueMicrotask(() => this.#failAll(errorOf(error)));
    }
  }

  #receive(message: LiveMessage): void {
    this.#isHeard = true;
    if (message.type === "ready") {
      this.#readyAt = Date.now();
      this.#isFresh = false;
    }
    const followed = message.id === undefined ? undefined : this.#followed.get(message.id);
    if (!followed || message.id === undefined) return;
    switch (message.type) {
      case "row":
      case "chunk":
      case "caught-up":
        return followed.onMessage(message);
      case "end":
        this.#drop(message.id);
        return followed.onEnd();
      case "error": {
        const isKnown = Object.hasOwn(ERRORS, message.code);
        const status = isKnown ? httpStatus(message.code) : 400;
        if (status >= 500) return this.#lost({ code: 1011, reason: message.error });
        this.#drop(message.id);
        return followed.onError(new ApiError(status, message.error, false));
      }
      // Of subscriptions that are not made here.
      case "run":
      case "queue":
      case "pong":
    }
  }

  #lost({ code, reason }: SocketEnd): void {
    if (this.#line.kind === "open") this.#line.socket.close();
    this.#line = { kind: "closed" };
    if (this.#followed.size === 0) return;
    if (code === LIVE.tokenExpired || code === LIVE.unauthenticated)
      return void this.#refresh(reason);
    if (code === LIVE.forbidden) return this.#failAll(new ApiError(403, reason, false));
    if (this.#readyAt !== undefined && Date.now() - this.#readyAt >= GOOD_MS) this.#failures = 0;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures++, MAX_DELAY_MS);
    // Pages that lost the same gateway do not all come at the same time.
    const timer = setTimeout(() => this.#open(), delayMs * (0.5 + Math.random() / 2));
    this.#line = { kind: "waiting", timer };
  }

  /** A fresh token that is refused is not replaced again. */
  async #refresh(reason: string): Promise<void> {
    const refused = new ApiError(401, reason || "The access token is not valid any more", false);
    let fresh: Promise<string> | undefined;
    if (!this.#isFresh)
      for (const followed of this.#followed.values()) if ((fresh = followed.refreshToken())) break;
    if (!fresh) return this.#failAll(refused);
    this.#line = { kind: "refreshing" };
    try {
      this.#token = await fresh;
      this.#isFresh = true;
      for (const followed of this.#followed.values()) followed.onToken(this.#token);
    } catch (error) {
      this.#line = { kind: "closed" };
      return this.#failAll(errorOf(error));
    }
    this.#line = { kind: "closed" };
    if (this.#followed.size > 0) this.#open();
  }

  /** Of a connection from before the network went nothing may come any more, and nobody says so. */
  #reopen(): void {
    if (this.#line.kind === "refreshing" || this.#followed.size === 0) return;
    if (this.#line.kind === "waiting") clearTimeout(this.#line.timer);
    if (this.#line.kind === "open") this.#line.socket.close();
    this.#failures = 0;
    this.#open();
  }

  /** A gateway that vanished says nothing, not even that. */
  #ask(): void {
    if (this.#line.kind !== "open") return;
    if (!this.#isHeard) return this.#lost({ code: 1006, reason: "nothing was heard" });
    this.#isHeard = false;
    this.#line.socket.send({ type: "ping", id: PING });
  }

  #failAll(error: Error): void {
    const followed = [...this.#followed.values()];
    this.#followed.clear();
    this.#closeSoon();
    for (const each of followed) each.onError(error);
  }

  #drop(id: string): void {
    this.#followed.delete(id);
    this.#closeSoon();
  }

  #closeSoon(): void {
    if (this.#followed.size === 0) queueMicrotask(() => this.#closeIfUnused());
  }

  #closeIfUnused(): void {
    if (this.#followed.size > 0) return;
    if (this.#line.kind === "waiting") clearTimeout(this.#line.timer);
    if (this.#line.kind === "open") this.#line.socket.close();
    if (this.#line.kind !== "refreshing") this.#line = { kind: "closed" };
    clearInterval(this.#asking);
    this.#asking = undefined;
    this.#forget?.();
    this.#forget = undefined;
    this.#onUnused();
  }
}
