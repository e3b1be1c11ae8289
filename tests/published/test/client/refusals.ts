/** What is refused arrives as the error class its status stands for. */
import {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  RateLimitError,
  TriggerClient,
  UnprocessableEntityError,
  auth,
  runs,
  tasks,
  type ApiError,
} from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import { apiUrl, ONCE, startLimitedGateway } from "./support.ts";

type Refused = () => Promise<unknown>;

const WRONG_KEY = { accessToken: "tr_dev_nobody" };
const trigger = (options: object): Promise<unknown> =>
  tasks.trigger("echo", 1, options as never, ONCE as never);

const REFUSED: readonly [string, Refused, typeof ApiError, RegExp][] = [
  [
    "a wrong key",
    () => auth.withAuth(WRONG_KEY, () => tasks.trigger("echo", 1)),
    AuthenticationError,
    /Invalid or Missing API key/,
  ],
  ["an unknown task", () => tasks.trigger("nobody", 1), NotFoundError, /not registered/],
  [
    "an unknown run",
    () => runs.retrieve("run_0000000000a000000000000000b", ONCE),
    NotFoundError,
    /Not found/,
  ],
  ["an unknown run to cancel", () => runs.cancel("run_x", ONCE), NotFoundError, /Not found/],
  ["an unknown run to replay", () => runs.replay("run_x", undefined, ONCE), NotFoundError, /found/],
  ["an unknown queue", () => trigger({ queue: "x" }), UnprocessableEntityError, /does not exist/],
  ["a bad delay", () => trigger({ delay: "soon" }), UnprocessableEntityError, /delay/],
  ["a bad ttl", () => trigger({ ttl: "soon" }), UnprocessableEntityError, /ttl/],
  [
    "a bad key's ttl",
    () => trigger({ idempotencyKey: "k", idempotencyKeyTTL: "soon" }),
    UnprocessableEntityError,
    /idempotencyKeyTTL/,
  ],
  [
    "a debounce by date",
    () => trigger({ debounce: { key: "k", delay: "2030-01-01" } }),
    UnprocessableEntityError,
    /delay/,
  ],
  [
    "too many tags",
    () => trigger({ tags: Array.from({ length: 11 }, (_, n) => `t${n}`) }),
    UnprocessableEntityError,
    /10 tags/,
  ],
  [
    "a tag that is too long",
    () => trigger({ tags: "x".repeat(129) }),
    UnprocessableEntityError,
    /128/,
  ],
  [
    "metadata that is too large",
    () => trigger({ metadata: { text: "x".repeat(300_000) } }),
    UnprocessableEntityError,
    /metadata/i,
  ],
  ["an unknown machine", () => trigger({ machine: "huge" }), UnprocessableEntityError, /machine/],
  ["no attempts", () => trigger({ maxAttempts: 0 }), BadRequestError, /maxAttempts/],
  [
    "an unknown status in a filter",
    async () => await runs.list({ status: "DONE" as never }, ONCE),
    BadRequestError,
    /DONE/,
  ],
  [
    "a page that is too long",
    async () => await runs.list({ limit: 101 }, ONCE),
    BadRequestError,
    /100/,
  ],
];

export function refusals(): void {
  test.each(REFUSED)("%s", async (_name, call, errorClass, message) => {
    const error: unknown = await call().then(
      () => "not refused",
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(errorClass);
    expect((error as Error).message).toMatch(message);
    expect(error).toHaveProperty("code", expect.stringMatching(/^[A-Z_]+$/));
  });

  test("a payload that is too large is refused by its own status", async () => {
    const headers = { authorization: `Bearer ${process.env["TRIGGER_SECRET_KEY"] ?? ""}` };
    const body = JSON.stringify({ payload: "x".repeat(3 * 1024 * 1024 + 1) });
    const url = `${apiUrl()}/api/v1/tasks/echo/trigger`;
    const answer = await fetch(url, { method: "POST", headers, body });
    expect(answer.status).toBe(413);
  });

  test("too many requests: the client waits until it may go on, or hears of it", async () => {
    const baseURL = await startLimitedGateway("2,2/1s");
    const accessToken = process.env["TRIGGER_SECRET_KEY"] ?? "";
    const client = new TriggerClient({ baseURL, accessToken });
    const handles = await Promise.all([1, 2, 3, 4].map((n) => client.tasks.trigger("echo", n)));
    expect(new Set(handles.map(({ id }) => id)).size).toBe(4);
    const id = handles[0]?.id ?? "";
    const reads = [1, 2, 3].map(() => client.runs.retrieve(id, ONCE));
    const errors = (await Promise.allSettled(reads)).flatMap((read) =>
      read.status === "rejected" ? [read.reason as unknown] : [],
    );
    expect(errors[0]).toBeInstanceOf(RateLimitError);
    expect(errors[0]).toMatchObject({ status: 429, code: "RATE_LIMITED" });
  });

  test("a client of its own has its own key", async () => {
    const client = new TriggerClient({ baseURL: apiUrl(), ...WRONG_KEY });
    await expect(client.tasks.trigger("echo", 1)).rejects.toBeInstanceOf(AuthenticationError);
    expect((await tasks.trigger("echo", 1)).id).toMatch(/^run_/);
  });
}
