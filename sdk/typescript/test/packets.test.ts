import { describe, expect, it } from "vitest";
import { fromPacket, toPacket } from "../src/packets.ts";

describe("a value becomes", () => {
  it.each([
    ["nothing", undefined, { type: "application/json" }],
    ["text as it is", '{"a":1}', { data: '{"a":1}', type: "text/plain" }],
    ["plain JSON", { a: [1, null, "x"] }, { data: '{"a":[1,null,"x"]}', type: "application/json" }],
    ["JSON", null, { data: "null", type: "application/json" }],
  ])("%s", (_what, value, packet) => {
    expect(toPacket(value)).toEqual(packet);
  });

  it.each([
    new Date(0),
    { when: new Date(0) },
    new Map([[1, 2]]),
    Number.NaN,
    -0,
    10n,
    { a: undefined },
  ])("superjson where JSON would change it: %o", (value) => {
    expect(toPacket(value).type).toBe("application/super+json");
  });
});

describe("what has no serial form is refused", () => {
  it.each([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a function in an object", { a: { run: () => 1 } }],
    ["a function in a map", new Map([["run", () => 1]])],
    ["a function in a list", [new Date(0), () => 1]],
  ])("%s", (_what, value) => {
    expect(() => toPacket(value)).toThrow(/cannot be sent/);
  });
});

describe("a packet gives back its value", () => {
  it.each([
    undefined,
    "",
    "text",
    0,
    -0,
    Number.NaN,
    10n,
    null,
    [undefined],
    { a: new Date(5), b: new Set([1]), c: { d: undefined } },
  ])("%o", (value) => {
    expect(fromPacket(toPacket(value))).toEqual(value);
  });

  it("as text when its type is not known", () => {
    expect(fromPacket({ data: "a/path", type: "application/store" })).toBe("a/path");
  });
});
