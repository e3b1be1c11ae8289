import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, FrameError, FrameReader, MAX_FRAME_BYTES } from "../src/process/frames.ts";

function read(chunks: readonly Buffer[]): unknown[] {
  const messages: unknown[] = [];
  const reader = new FrameReader((message) => messages.push(message));
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}

test("however the stream is cut, the same messages come out", () => {
  const message = fc.record({
    type: fc.string(),
    n: fc.integer(),
    data: fc.string({ size: "large" }),
  });
  fc.assert(
    fc.property(fc.array(message), fc.array(fc.nat()), (messages, cuts) => {
      const stream = Buffer.concat(messages.map(encodeFrame));
      const at = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].toSorted(
        (a, b) => a - b,
      );
      const edges = [0, ...at, stream.length];
      const chunks = edges.slice(1).map((end, i) => stream.subarray(edges[i], end));
      expect(read(chunks)).toEqual(messages);
    }),
  );
});

test("cut at every byte", () => {
  const stream = Buffer.concat([{ a: 1 }, { b: "two" }, null].map(encodeFrame));
  for (let cut = 0; cut <= stream.length; cut++)
    expect(read([stream.subarray(0, cut), stream.subarray(cut)])).toEqual([
      { a: 1 },
      { b: "two" },
      null,
    ]);
  expect(read([...stream].map((byte) => Buffer.of(byte)))).toHaveLength(3);
});

test("an absurd length and bytes that are no MessagePack are errors at once", () => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(MAX_FRAME_BYTES + 1);
  expect(() => read([length])).toThrow(FrameError);
  expect(() => read([Buffer.of(0, 0, 0, 1, 0xc1)])).toThrow(FrameError);
});
