/** The heap. Pure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Heap } from "../src/heap.ts";

test("a heap gives its items in order, whatever was pushed and popped in between", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { freq: 3 })), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) expect(heap.pop()).toBe(model.shift());
        else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect(heap.size).toBe(model.length);
      }
      for (const expected of model) expect(heap.pop()).toBe(expected);
      expect(heap.pop()).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});
