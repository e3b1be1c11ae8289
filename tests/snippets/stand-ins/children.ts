/** The reader's tasks that others trigger. */
import { task } from "@trigger.dev/sdk";

const echoed = async (payload: unknown) => ({ echoed: payload });

export const childTask = task({ id: "stand-in-child", run: echoed });

export const childTask1 = task({
  id: "child-task-1",
  run: async (payload: { foo: string }) => `Hello ${payload.foo}`,
});
export const childTask2 = task({
  id: "child-task-2",
  run: async (payload: { bar: number }) => payload.bar * 2,
});

export const subtaskA = task({ id: "subtask-a", run: echoed });
export const subtaskB = task({ id: "subtask-b", run: echoed });

export const chargeCustomer = task({ id: "charge-customer", run: echoed });
export const processData = task({ id: "process-any-data", run: echoed });
