/** What a connection does at its pings, on a socket and a clock of the test's. */
import { EventEmitter } from "node:events";
import { LIVE, refuse, type Refusal } from "@millrace/proto";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import { LiveClient } from "../src/live/live-client.ts";
import type { LiveConnection } from "../src/live/live-connection.ts";
import type { Identity } from "../src/security/authenticate.ts";

const IDENTITY: Identity = { ok: true, env: "dev", keyHash: "hash", token: null };
const REVOKED = refuse("UNAUTHENTICATED", "Invalid or Missing API key");

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly closed: number[] = [];
  pings = 0;
  isTerminated = false;

  send(): void {}
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.closed.push(code);
  }
  terminate(): void {
    this.isTerminated = true;
  }
}

let socket: FakeSocket;
let answer: Identity | Refusal;
let isWithinRate = true;

function client(): LiveClient {
  return new LiveClient(socket as unknown as WebSocket, {
    identify: async () => answer,
    isWithinRate: () => isWithinRate,
    connect: () =>
      ({ receive: () => undefined, close: () => undefined }) as unknown as LiveConnection,
    log: pino({ level: "silent" }),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  answer = IDENTITY;
  isWithinRate = true;
});
afterEach(() => {
  socket.emit("close");
  vi.useRealTimers();
});

it("ends when its key was revoked, at the next ping", async () => {
  client().admit(IDENTITY, async () => answer);
  await vi.advanceTimersByTimeAsync(LIVE.pingMs);
  socket.emit("pong");
  expect(socket.closed).toEqual([]);
  answer = REVOKED;
  await vi.advanceTimersByTimeAsync(LIVE.pingMs);
  expect(socket.closed).toEqual([LIVE.unauthenticated]);
});

it("is gone when it answers no ping", async () => {
  client().admit(IDENTITY, async () => answer);
  await vi.advanceTimersByTimeAsync(LIVE.pingMs);
  expect([socket.pings, socket.isTerminated]).toEqual([1, false]);
  await vi.advanceTimersByTimeAsync(LIVE.pingMs);
  expect(socket.isTerminated).toBe(true);
});

it("ends at its token's end, also when that is days away", async () => {
  const token = {
    hash: "h",
    scopes: [],
    isOneTime: false,
    expiresAt: Date.now() + 2 * 86_400_000,
    skipColumns: undefined,
  };
  client().admit({ ok: true, env: "dev", keyHash: undefined, token }, async () => answer);
  const keepAlive = setInterval(() => socket.emit("pong"), LIVE.pingMs / 2);
  await vi.advanceTimersByTimeAsync(2 * 86_400_000 - 1000);
  expect(socket.closed).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(socket.closed).toEqual([LIVE.tokenExpired]);
  clearInterval(keepAlive);
}, 30_000);

it("is sent away when its credential comes too often", async () => {
  isWithinRate = false;
  client().expectCredential();
  socket.emit("message", Buffer.from('{"type":"auth","token":"key"}'));
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.closed).toEqual([LIVE.rateLimited]);
  socket.emit("close");
  expect(vi.getTimerCount()).toBe(0);
});
