/** One task for each library of schemas: what it refuses, what it makes of a payload, and its types. */
import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { type as arktype } from "arktype";
import { Schema as EffectSchema } from "effect";
import { Number as RNumber, Object as RObject, String as RString } from "runtypes";
import * as superstruct from "superstruct";
import * as valibot from "valibot";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import * as yup from "yup";
import { z } from "zod";
import { schemaTask, tasks, type Task, type TaskPayload } from "../src/index.ts";
import { fakeRun } from "./fake-run.ts";
import { attemptOf } from "./lifecycle/attempts.ts";

type Person = { name: string; age: number };

const run = (payload: Person): string => `${payload.name} is ${payload.age}`;

const parsePerson = (value: unknown): Person => {
  const person = value as Person;
  if (typeof person.age !== "number") throw new TypeError("age is no number");
  return person;
};

const effectPerson = EffectSchema.Struct({ name: EffectSchema.String, age: EffectSchema.Number });

const TASKS = {
  zod: schemaTask({ id: "zod", schema: z.object({ name: z.string(), age: z.number() }), run }),
  valibot: schemaTask({
    id: "valibot",
    schema: valibot.object({ name: valibot.string(), age: valibot.number() }),
    run,
  }),
  arktype: schemaTask({
    id: "arktype",
    schema: arktype({ name: "string", age: "number" }),
    run,
  }),
  yup: schemaTask({
    id: "yup",
    schema: yup.object({ name: yup.string().required(), age: yup.number().required() }),
    run,
  }),
  superstruct: schemaTask({
    id: "superstruct",
    schema: superstruct.object({ name: superstruct.string(), age: superstruct.number() }),
    run,
  }),
  runtypes: schemaTask({
    id: "runtypes",
    schema: RObject({ name: RString, age: RNumber }),
    run,
  }),
  typebox: schemaTask({
    id: "typebox",
    schema: TypeCompiler.Compile(Type.Object({ name: Type.String(), age: Type.Number() })),
    run,
  }),
  "effect, as a Standard Schema": schemaTask({
    id: "effect",
    schema: EffectSchema.standardSchemaV1(effectPerson),
    run,
  }),
  "effect, as a function": schemaTask({
    id: "effect-function",
    schema: EffectSchema.decodeUnknownSync(effectPerson),
    run,
  }),
  "a function": schemaTask({ id: "function", schema: parsePerson, run }),
  "a function that takes its time": schemaTask({
    id: "async-function",
    schema: async (value: unknown) => await Promise.resolve(parsePerson(value)),
    run,
  }),
  "an object that parses": schemaTask({ id: "parse", schema: { parse: parsePerson }, run }),
};

describe.each(Object.entries(TASKS))("%s", (_library, handle) => {
  const task = handle as Task<string, Person, string>;

  it("sends what the schema takes", async () => {
    const inRun = fakeRun();
    await inRun.execute(async () => await task.trigger({ name: "Ada", age: 36 }));
    expect(inRun.asked).toMatchObject([["trigger", { taskId: task.id }]]);
  });

  it("sends nothing else", async () => {
    const inRun = fakeRun();
    const wrong = { name: "Ada", age: "old" } as unknown as Person;
    const refused = { name: "TaskPayloadParsedError", message: expect.stringContaining(task.id) };
    await inRun.execute(async () => {
      await expect(task.trigger(wrong)).rejects.toMatchObject(refused);
      await expect(task.batchTrigger([{ payload: wrong }])).rejects.toMatchObject(refused);
      await expect(task.triggerAndWait(wrong)).rejects.toMatchObject(refused);
      await expect(task.triggerAndWait(wrong).unwrap()).rejects.toMatchObject(refused);
      await expect(task.batchTriggerAndWait([{ payload: wrong }])).rejects.toMatchObject(refused);
    });
    expect(inRun.asked).toEqual([]);
  });
});

it("what run gets has the schema's types, and callers give what it takes", () => {
  expectTypeOf<TaskPayload<typeof TASKS.zod>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.valibot>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.arktype>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.yup>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.superstruct>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.runtypes>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<typeof TASKS.typebox>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<(typeof TASKS)["a function"]>>().toEqualTypeOf<Person>();
  expectTypeOf<TaskPayload<(typeof TASKS)["an object that parses"]>>().toEqualTypeOf<Person>();
  const converting = schemaTask({
    id: "converting",
    schema: z.object({
      at: z.string().transform((text) => new Date(text)),
      n: z.number().default(1),
    }),
    run: async (payload, { ctx }) => {
      expectTypeOf(payload).toEqualTypeOf<{ at: Date; n: number }>();
      return ctx.run.id;
    },
  });
  expectTypeOf(converting).toEqualTypeOf<
    Task<"converting", { at: string; n?: number | undefined }, string>
  >();
});

describe("in the worker", () => {
  it("run and hooks get what the schema makes of the payload", async () => {
    const seen: unknown[] = [];
    schemaTask({
      id: "converting",
      schema: z.object({ at: z.coerce.date(), n: z.number().default(1) }),
      onStart: ({ payload }) => seen.push(payload),
      run: (payload) => seen.push(payload),
    });
    await attemptOf({ at: "2030-01-01T00:00:00Z" });
    const parsed = { at: new Date("2030-01-01T00:00:00Z"), n: 1 };
    expect(seen).toEqual([parsed, parsed]);
  });

  it("a payload it refuses fails the run for good, and no hook is called", async () => {
    const called = vi.fn<() => void>();
    schemaTask({
      id: "refusing",
      schema: z.object({ user: z.object({ age: z.number() }) }),
      retry: { maxAttempts: 5 },
      middleware: called,
      onFailure: called,
      catchError: called,
      cleanup: called,
      run: called,
    });
    expect(await attemptOf({ user: { age: "old" } })).toMatchObject({
      ok: false,
      error: { code: "TASK_INPUT_ERROR", message: expect.stringContaining("user.age: ") },
      retry: null,
    });
    expect(called).not.toHaveBeenCalled();
  });
});

describe("a definition is refused", () => {
  it.each([
    ["with a description that cannot parse by itself", Type.Object({}), /TypeCompiler\.Compile/],
    ["with one of Effect", effectPerson, /standardSchemaV1/],
    ["with something else", 5, /of no known kind/],
  ])("%s", (_what, schema, message) => {
    const define = (): unknown => schemaTask({ id: "no", schema: schema as never, run: () => 1 });
    expect(define).toThrow(message);
    expect(define).toThrow(/^schemaTask\(\{ id: "no" \}\): /);
  });

  it("by the rules of every task", () => {
    const machine = "huge" as "micro";
    expect(() => schemaTask({ id: "no", schema: z.string(), machine, run: () => 1 })).toThrow(
      /no machine is/,
    );
  });
});

it("triggering by id alone is checked in the worker only", async () => {
  const inRun = fakeRun();
  await inRun.execute(async () => await tasks.trigger("zod", { anything: true }));
  expect(inRun.asked).toHaveLength(1);
});
