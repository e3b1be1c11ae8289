/** Runs as `useRun` gives them: the platform's view with real dates, typed by its task. */
import { datesOf, type RunDate, type RunView } from "@millrace/proto";
import { loadPresigned } from "./api.ts";
import { fromPacket } from "./packets.ts";
import type { AnyTask, TaskOutput, TaskPayload } from "./task-types.ts";

type Value = "payload" | "output";
type Shown = Omit<RunView, "payloadPath" | "outputPath">;

/** `payload` and `output` are what JSON makes of them: a `Date` that went in is a text here. */
export type Run<TTask extends AnyTask = AnyTask> = Omit<Shown, RunDate | Value> & {
  readonly [Field in keyof Pick<Shown, RunDate>]: Date;
} & {
  readonly payload?: TaskPayload<TTask>;
  readonly output?: TaskOutput<TTask>;
};

/** What the gateway answers: a value that is too large for it is an address. */
export type RunAnswer = Shown & {
  readonly payloadPresignedUrl?: string;
  readonly outputPresignedUrl?: string;
};

export async function runOf<TTask extends AnyTask>(
  answer: RunAnswer,
  signal: AbortSignal,
): Promise<Run<TTask>> {
  const { payloadPresignedUrl, outputPresignedUrl, ...view } = answer;
  const [payload, output] = await Promise.all([
    valueAt("payload", payloadPresignedUrl, signal),
    valueAt("output", outputPresignedUrl, signal),
  ]);
  // Which task's run it is, is the caller's promise.
  return { ...view, ...datesOf(view), ...payload, ...output } as unknown as Run<TTask>;
}

async function valueAt(name: Value, url: string | undefined, signal: AbortSignal): Promise<object> {
  const packet = url === undefined ? undefined : await loadPresigned(url, signal);
  return packet ? { [name]: fromPacket(packet) } : {};
}
