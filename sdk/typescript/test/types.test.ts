/** What the compiler knows: held by `npm run typecheck`, not by running. */
import { describe, expectTypeOf, it } from "vitest";
import {
  batch,
  queue,
  runs,
  streams,
  task,
  tasks,
  type BatchResult,
  type Context,
  type FollowedRunOf,
  type Run,
  type RunHandle,
  type RunSubscription,
  type Task,
  type TaskRunResult,
} from "../src/index.ts";

const greet = task({
  id: "types-greet",
  queue: queue({ name: "types" }),
  run: async (payload: { name: string }, { ctx, signal }) => {
    expectTypeOf(ctx).toEqualTypeOf<Context>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return { length: payload.name.length };
  },
});
const tick = task({ id: "types-tick", run: () => 1 });

type Payload = { name: string };
type Output = { length: number };

describe("a task", () => {
  it("knows its id, payload and output", () => {
    expectTypeOf(greet).toEqualTypeOf<Task<"types-greet", Payload, Output>>();
    expectTypeOf(tick).toEqualTypeOf<Task<"types-tick", void, number>>();
  });

  it("is triggered with its payload", () => {
    const handle = () => greet.trigger({ name: "Ada" });
    expectTypeOf(handle).returns.resolves.toEqualTypeOf<
      RunHandle<"types-greet", Payload, Output>
    >();
    // @ts-expect-error a payload of another task
    const wrong = () => greet.trigger({ nom: "Ada" });
    const none = () => tick.trigger();
    expectTypeOf([wrong, none]).toBeArray();
  });

  it("gives its output to who waits", () => {
    const wait = () => greet.triggerAndWait({ name: "Ada" });
    expectTypeOf(wait).returns.resolves.toEqualTypeOf<TaskRunResult<"types-greet", Output>>();
    const unwrap = () => greet.triggerAndWait({ name: "Ada" }).unwrap();
    expectTypeOf(unwrap).returns.resolves.toEqualTypeOf<Output>();
    const batch = () => greet.batchTriggerAndWait([{ payload: { name: "Ada" } }]);
    expectTypeOf(batch).returns.resolves.toEqualTypeOf<BatchResult<"types-greet", Output>>();
    expectTypeOf(batch).returns.resolves.toExtend<Iterable<TaskRunResult<"types-greet", Output>>>();
  });
});

describe("by id", () => {
  it("a task's type is enough", () => {
    const handle = () =>
      tasks.trigger<typeof greet>("types-greet", { name: "Ada" }, { delay: "1h" });
    expectTypeOf(handle).returns.resolves.toEqualTypeOf<
      RunHandle<"types-greet", Payload, Output>
    >();
    // @ts-expect-error another task's id
    const wrongId = () => tasks.trigger<typeof greet>("types-tick", { name: "Ada" });
    // @ts-expect-error another task's payload
    const wrongPayload = () => tasks.trigger<typeof greet>("types-greet", 5);
    const untyped = () => tasks.trigger("anything", { at: "all" });
    expectTypeOf(untyped).returns.resolves.toEqualTypeOf<RunHandle<string, unknown, unknown>>();
    const poll = () =>
      tasks.triggerAndPoll<typeof greet>("types-greet", { name: "Ada" }, { pollIntervalMs: 5 });
    expectTypeOf(poll).returns.resolves.toEqualTypeOf<Run<Payload, Output>>();
    expectTypeOf([wrongId, wrongPayload]).toBeArray();
  });
});

describe("a run", () => {
  it("has the types of its handle or task", () => {
    const handle = {} as RunHandle<"types-greet", Payload, Output>;
    expectTypeOf(() => runs.retrieve(handle)).returns.resolves.toEqualTypeOf<
      Run<Payload, Output>
    >();
    expectTypeOf(() => runs.retrieve<typeof greet>("run_1")).returns.resolves.toEqualTypeOf<
      Run<Payload, Output>
    >();
    expectTypeOf(() => runs.retrieve<typeof greet>(handle)).returns.resolves.toEqualTypeOf<
      Run<Payload, Output>
    >();
    expectTypeOf(() => runs.poll("run_1")).returns.resolves.toEqualTypeOf<Run>();
    expectTypeOf(() => runs.retrieve({ id: "run_1" })).returns.resolves.toEqualTypeOf<Run>();
    expectTypeOf(() => runs.subscribeToRun<typeof greet>("run_1")).returns.toEqualTypeOf<
      RunSubscription<FollowedRunOf<typeof greet>>
    >();
    expectTypeOf<FollowedRunOf<typeof greet>["payload"]>().toEqualTypeOf<Payload>();
    expectTypeOf<Run<Payload, Output>["payload"]>().toEqualTypeOf<Payload | undefined>();
    expectTypeOf<Run["finishedAt"]>().toEqualTypeOf<Date | undefined>();
    expectTypeOf<Run<Payload, Output>["output"]>().toEqualTypeOf<Output | undefined>();
  });
});

describe("a batch of several tasks", () => {
  it("by task has each task's types in its place", () => {
    const results = () =>
      batch.triggerByTaskAndWait([{ task: greet, payload: { name: "Ada" } }, { task: tick }]);
    expectTypeOf(results)
      .returns.resolves.toHaveProperty("runs")
      .toEqualTypeOf<
        readonly [TaskRunResult<"types-greet", Output>, TaskRunResult<"types-tick", number>]
      >();
    const handles = () =>
      batch.triggerByTask([{ task: tick }, { task: greet, payload: { name: "Ada" } }]);
    expectTypeOf(handles)
      .returns.resolves.toHaveProperty("runs")
      .toEqualTypeOf<
        readonly [RunHandle<"types-tick", void, number>, RunHandle<"types-greet", Payload, Output>]
      >();
    // @ts-expect-error another task's payload
    const wrong = () => batch.triggerByTask([{ task: greet, payload: 5 }]);
    expectTypeOf(wrong).toBeFunction();
  });

  it("by id takes each task's id with its payload", () => {
    const results = () =>
      batch.triggerAndWait<typeof greet | typeof tick>([
        { id: "types-greet", payload: { name: "Ada" } },
        { id: "types-tick" },
      ]);
    expectTypeOf(results)
      .returns.resolves.toHaveProperty("runs")
      .toEqualTypeOf<
        readonly (TaskRunResult<"types-greet", Output> | TaskRunResult<"types-tick", number>)[]
      >();
    const wrong = () =>
      batch.trigger<typeof greet | typeof tick>([
        // @ts-expect-error another task's payload
        { id: "types-greet", payload: 5 },
      ]);
    expectTypeOf(wrong).toBeFunction();
  });

  it("takes no version when its parent waits", () => {
    const wrong = () =>
      // @ts-expect-error a child runs in its parent's version
      greet.triggerAndWait({ name: "Ada" }, { version: "20260101.1" });
    expectTypeOf(wrong).toBeFunction();
  });
});

describe("streams", () => {
  it("have the type they are defined with", () => {
    const numbers = streams.define<{ n: number }>({ id: "numbers" });
    expectTypeOf(() => numbers.read("run_1")).returns.resolves.toEqualTypeOf<
      ReadableStream<{ n: number }> & AsyncIterable<{ n: number }>
    >();
    // @ts-expect-error another stream's chunk
    const wrong = () => numbers.append("text");
    expectTypeOf(wrong).toBeFunction();
  });

  it("come with their run's types", () => {
    const parts = () =>
      runs.subscribeToRun<typeof greet>("run_1").withStreams<{ numbers: number; words: string }>();
    type Parts = ReturnType<typeof parts> extends AsyncIterable<infer TPart> ? TPart : never;
    expectTypeOf<Parts>().toEqualTypeOf<
      | { readonly type: "run"; readonly run: FollowedRunOf<typeof greet> }
      | {
          readonly type: "numbers";
          readonly chunk: number;
          readonly run: FollowedRunOf<typeof greet>;
        }
      | {
          readonly type: "words";
          readonly chunk: string;
          readonly run: FollowedRunOf<typeof greet>;
        }
    >();
  });
});
