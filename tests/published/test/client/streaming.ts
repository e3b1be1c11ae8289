/** Streams that runs write, read by the client while they run and afterwards. */
import { runs, streams, tasks } from "@trigger.dev/sdk";
import { until } from "@millrace/harness";
import { expect, test } from "vitest";
import type { listening, streaming } from "../../tasks/features.ts";
import { apiUrl, FAST, ONCE } from "./support.ts";

const numbers = streams.define<{ n: number }>({ id: "numbers" });

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

export function streamReading(): void {
  test("read: what a run pipes, from its beginning, until its end", async () => {
    const handle = await tasks.trigger<typeof streaming>("streaming", { count: 5 });
    const expected = Array.from({ length: 5 }, (_, n) => ({ n }));
    expect(await all(await numbers.read(handle.id))).toEqual(expected);
    expect((await runs.poll(handle, FAST)).output).toBe(5);
    const later = await streams.read<{ n: number }>(handle.id, "numbers", { startIndex: 3 });
    expect(await all(later)).toEqual(expected.slice(3));
    const fetched = await runs.fetchStream(handle.id, "numbers");
    expect(await all(fetched)).toEqual(expected);
  });

  test("read: what a run appends", async () => {
    const handle = await tasks.trigger<typeof streaming>("streaming", { count: 1 });
    await runs.poll(handle, FAST);
    const notes = await streams.read<string>(handle.id, "notes", { timeoutInSeconds: 1 });
    expect(await all(notes)).toEqual(["written with append"]);
  });

  test("read: chunks that others write over HTTP, as they come", async () => {
    const handle = await tasks.trigger<typeof listening>("listening", { ms: 1500 });
    await until("it executes", async () => (await runs.retrieve(handle.id)).isExecuting);
    const seen: unknown[] = [];
    const reading = (async () => {
      const stream = await streams.read(handle.id, "chat", { timeoutInSeconds: 2 });
      for await (const part of stream) seen.push(part);
    })();
    const headers = { authorization: `Bearer ${process.env["TRIGGER_SECRET_KEY"] ?? ""}` };
    const url = `${apiUrl()}/realtime/v1/streams/${handle.id}/self/chat`;
    for (const part of [{ word: "a" }, { word: "b" }]) {
      const body = JSON.stringify(part);
      const answer = await fetch(`${url}/append`, { method: "POST", headers, body });
      expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
      await until("it has arrived", () => seen.length > 0 && "word" in (seen.at(-1) as object));
    }
    await reading;
    expect(seen).toEqual([{ word: "a" }, { word: "b" }]);
  });

  test("input.send: taken while the run goes on, refused when it has ended", async () => {
    const answers = streams.input<{ answer: string }>({ id: "answers" });
    const handle = await tasks.trigger<typeof listening>("listening", { ms: 300 });
    await answers.send(handle.id, { answer: "yes" });
    await runs.poll(handle, FAST);
    const late = answers.send(handle.id, { answer: "no" }, { requestOptions: ONCE });
    await expect(late).rejects.toMatchObject({ status: 400 });
  });
}
