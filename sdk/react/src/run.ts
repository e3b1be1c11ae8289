/** Runs as `useRun` gives them: the platform's view with real dates, typed by its task. */
import type { RunView } from "@millrace/proto";
import { loadPresigned } from "./api.ts";
import { fromPacket } from "./packets.ts";
import type { AnyTask, TaskOutput, TaskPayload } from "./task-types.ts";

type DateField =
  | "createdAt"
  | "updatedAt"
  | "startedAt"
  | "finishedAt"
  | "delayedUntil"
  | "expiredAt";

type Value = "payload" | "output";
type Shown = Omit<RunView, "payloadPath" | "outputPath">;

/** `payload` and `output` are what JSON makes of them: a `Date` that went in is a text here. */
export type Run<TTask extends AnyTask = AnyTask> = Omit<Shown, DateField | Value> & {
  readonly [Field in keyof Pick<Shown, DateField>]: Date;
} & {
  readonly payload?: TaskPayload<TTask>;
  readonly output?: TaskOutput<TTask>;
};

/** What the gateway answers: a value that is too large for it is an address. */
export type RunAnswer = Shown & {
  readonly payloadPresignedUrl?: string;
  readonly outputPresignedUrl?: string;
};

const DATE_FIELDS: readonly DateField[] = [
  "createdAt",
  "updatedAt",
  "startedAt",
  "finishedAt",
  "delayedUntil",
  "expiredAt",
];

export async function runOf<TTask extends AnyTask>(
  answer: RunAnswer,
  signal: AbortSignal,
): Promise<Run<TTask>> {
  const { payloadPresignedUrl, outputPresignedUrl, ...view } = answer;
  const dates = DATE_FIELDS.flatMap((field) => {
    const text = view[field];
    return text === undefined ? [] : [[field, new Date(text)] as const];
  });
  const [payload, output] = await Promise.all([
    valueAt("payload", payloadPresignedUrl, signal),
    valueAt("output", outputPresignedUrl, signal),
  ]);
  // Which task's run it is, is the caller's promise.
  return { ...view, ...Object.fromEntries(dates), ...payload, ...output } as unknown as Run<TTask>;
}

async function valueAt(name: Value, url: string | undefined, signal: AbortSignal): Promise<object> {
  const packet = url === undefined ? undefined : await loadPresigned(url, signal);
  return packet ? { [name]: fromPacket(packet) } : {};
}
