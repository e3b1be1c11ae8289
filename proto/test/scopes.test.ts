/** Scopes of public tokens: every rule of `src/api/scopes.ts`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grants, isScope, type Permission } from "../src/index.ts";

const read = (type: Permission["type"], id?: string): Permission => ({
  action: "read",
  type,
  ...(id === undefined ? {} : { id }),
});

describe("a scope", () => {
  it.each([
    ["read:runs:run_1", read("runs", "run_1")],
    ["read:runs", read("runs", "run_1")],
    ["read:runs", read("runs")],
    ["read:tags:user:1:a", read("tags", "user:1:a")],
    ["*:runs:run_1", read("runs", "run_1")],
    ["read:all", read("queues")],
    ["read:all", read("queues", "mail")],
    ["*:all", { action: "batchTrigger", type: "batch" }],
    ["admin", { action: "write", type: "waitpoints", id: "w" }],
    ["write:tasks:a", { action: "trigger", type: "tasks", id: "a" }],
    ["write:tasks", { action: "batchTrigger", type: "tasks", id: "a" }],
    ["write:runs:r", { action: "update", type: "runs", id: "r" }],
  ] as const)("%s allows %o", (scope, needed) => {
    expect(grants([scope], needed)).toBe(true);
    expect(grants(["read:prompts:x", scope], needed)).toBe(true);
    expect(isScope(scope)).toBe(true);
  });

  it.each([
    ["read:runs:run_1", read("runs", "run_2")],
    ["read:runs:run_1", read("runs")],
    ["read:tags:user", read("tags", "user:1")],
    ["read:runs:", read("runs", "")],
    ["read", read("runs")],
    ["read:*", read("runs")],
    ["write:runs", read("runs")],
    ["trigger:tasks", { action: "batchTrigger", type: "tasks" }],
    ["trigger:tasks", { action: "write", type: "tasks" }],
    ["admin:runs", read("runs")],
    ["admin:all", read("runs")],
    ["READ:runs", read("runs")],
    ["", read("runs")],
    [" read:runs", read("runs")],
  ] as const)("%j does not allow %o", (scope, needed) => {
    expect(grants([scope], needed)).toBe(false);
  });

  it.each(["", "read", "runs", "read:secrets", "fly:runs", "read:runs:", "admin:runs", "read:"])(
    "%j is none",
    (text) => expect(isScope(text)).toBe(false),
  );

  it("of one id allows exactly that id, whatever is in it", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (id, other) => {
        expect(grants([`read:tags:${id}`], read("tags", id))).toBe(true);
        expect(grants([`read:tags:${id}`], read("tags", other))).toBe(id === other);
        expect(grants([`read:tags:${id}`], read("tags"))).toBe(false);
      }),
    );
  });
});
