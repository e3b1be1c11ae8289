/** What the compiler makes of definitions: held by `npm run typecheck`, not by running. */
import { describe, expectTypeOf, it } from "vitest";
import {
  locals,
  task,
  tasks,
  wait,
  type Context,
  type Task,
  type TaskPayload,
} from "../src/index.ts";

type Payload = { userId: string };

describe("a definition's types come from its function", () => {
  it("wherever its hooks are written", () => {
    const before = task({
      id: "before",
      onSuccess: async ({ ctx }) => void ctx.run.id,
      run: async (payload: Payload, { ctx }) => ({ by: payload.userId, run: ctx.run.id }),
    });
    expectTypeOf(before).toEqualTypeOf<Task<"before", Payload, { by: string; run: string }>>();
    const after = task({
      id: "after",
      run: async (payload: Payload) => payload.userId.length,
      onSuccess: ({ payload, output, ctx, signal, task: id }) => {
        expectTypeOf(payload).toEqualTypeOf<Payload>();
        expectTypeOf(output).toEqualTypeOf<number>();
        expectTypeOf(ctx).toEqualTypeOf<Context>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(id).toEqualTypeOf<string>();
      },
      onComplete: ({ result }) => {
        if (result.ok) expectTypeOf(result.data).toEqualTypeOf<number>();
      },
      onCancel: ({ runPromise }) => {
        expectTypeOf(runPromise).toEqualTypeOf<Promise<number>>();
      },
      middleware: async ({ next }) => await next(),
      onWait: ({ wait: waiting }) => void waiting.type,
      catchError: ({ retryDelayInMs }) => {
        expectTypeOf(retryDelayInMs).toEqualTypeOf<number | undefined>();
        return { skipRetrying: true };
      },
    });
    expectTypeOf(after).toEqualTypeOf<Task<"after", Payload, number>>();
  });

  it("also without a payload, and with one nobody annotated", () => {
    const none = task({ id: "none", run: () => 1 });
    expectTypeOf(none).toEqualTypeOf<Task<"none", void, number>>();
    const open = task({ id: "open", run: async (payload) => payload.anything.at.all as string });
    expectTypeOf<TaskPayload<typeof open>>().toBeAny();
    const explicit = task<"explicit", Payload, number>({
      id: "explicit",
      run: async (payload) => payload.userId.length,
    });
    expectTypeOf(explicit).toEqualTypeOf<Task<"explicit", Payload, number>>();
  });

  it("with what init gives", () => {
    const initialised = task({
      id: "init",
      init: async (_payload, { ctx }) => ({ someData: ctx.run.id }),
      run: async (payload: Payload, { init }) => {
        expectTypeOf(init).toEqualTypeOf<{ someData: string }>();
        return payload.userId;
      },
    });
    expectTypeOf(initialised).toEqualTypeOf<Task<"init", Payload, string>>();
  });

  it("and what is wrong does not compile", () => {
    const wrong = () => [
      // @ts-expect-error no such option
      task({ id: "wrong", onSucces: () => 1, run: () => 1 }),
      // @ts-expect-error no such machine
      task({ id: "wrong", machine: "huge", run: () => 1 }),
      // @ts-expect-error no text
      task({ id: 1, run: () => 1 }),
      // @ts-expect-error not the payload's field
      task({ id: "wrong", run: (_payload: Payload) => 1, onStart: ({ payload }) => payload.nom }),
    ];
    expectTypeOf(wrong).toBeFunction();
  });
});

it("hooks for all tasks take a name, or none", () => {
  const register = () => {
    tasks.middleware("db", async ({ next }) => await next());
    tasks.onStartAttempt(({ ctx }) => void ctx.attempt.number);
    tasks.onFailure(async (_payload, error, { ctx }) => void [error.message, ctx.run.id]);
  };
  expectTypeOf(register).toBeFunction();
});

it("locals and tokens have the types they are given", () => {
  const key = locals.create<{ n: number }>("n");
  expectTypeOf(() => locals.get(key)).returns.toEqualTypeOf<{ n: number } | undefined>();
  expectTypeOf(() => locals.getOrThrow(key)).returns.toEqualTypeOf<{ n: number }>();
  const unwrapped = () => wait.forToken<string>("waitpoint_1").unwrap();
  expectTypeOf(unwrapped).returns.resolves.toEqualTypeOf<string>();
});
