/**
 * A run's metadata as a fold of operations: v4's rules. Pure and total; nothing given is changed.
 *
 * 1. An operation that does not fit what is there (no such parent, no array to remove from, not a JSON value, too many
 *    levels) changes nothing.
 * 2. The metadata stays a JSON object of at most `JSON_LEVELS` levels, whatever the operations.
 */
import { isMetadataKey, isMetadataPath, metadataSteps } from "../events/metadata-key.ts";
import type { MetadataOperation, Packet } from "../events/values.ts";
import { asJson, isJson, JSON_LEVELS, parseJson } from "../json.ts";
import type { JsonObject } from "./state.ts";

/** The metadata a packet holds; null when that is no JSON object. */
export function metadataOf(packet: Packet | undefined): JsonObject | null {
  if (packet?.data === undefined) return null;
  const value = parseJson(packet.data);
  if (!isObject(value)) return null;
  if (packet.type !== "application/super+json" || !has(value, "json")) return value;
  return isObject(value["json"]) ? value["json"] : null;
}

/** The metadata after `operations`, in order. A path's step is a key, a place in an array, or `*`: each of them. */
export function applyMetadata(
  metadata: JsonObject,
  operations: readonly MetadataOperation[],
): JsonObject {
  let current = metadata;
  for (const operation of operations) current = apply(current, operation);
  return current;
}

function apply(metadata: JsonObject, operation: MetadataOperation): JsonObject {
  if (operation.type === "update") {
    const whole = asJson(operation.value);
    return isObject(whole) ? whole : metadata;
  }
  const { key } = operation;
  if (!isMetadataKey(key)) return metadata;
  // v4 deletes keys as they are; a path is followed where no key is written like it.
  const isKey = !isMetadataPath(key) || (operation.type === "delete" && has(metadata, key));
  const steps = isKey ? [key] : metadataSteps(key);
  const next = changeOf(operation, JSON_LEVELS - steps.length);
  if (!next) return metadata;
  return (isKey ? changeAt(metadata, key, next) : change(metadata, steps, 0, next)) as JsonObject;
}

/** What becomes of the value at the end of the path. Undefined stands for no value, before and after. */
type Change = (before: unknown) => unknown;

/** Undefined when the operation's own value is none that metadata may have there. */
function changeOf(
  operation: Exclude<MetadataOperation, { type: "update" }>,
  levels: number,
): Change | undefined {
  switch (operation.type) {
    case "delete":
      return () => undefined;
    case "set": {
      // JSON leaves out what is undefined.
      if (operation.value === undefined) return () => undefined;
      const value = asJson(operation.value, levels);
      return value === undefined ? undefined : () => value;
    }
    case "append": {
      const item = asJson(operation.value ?? null, levels - 1);
      if (item === undefined) return undefined;
      return (before) => {
        if (before === undefined) return [item];
        if (Array.isArray(before)) return [...before, item];
        return isJson(before, levels - 1) ? [before, item] : before;
      };
    }
    case "remove": {
      const item = asJson(operation.value, levels);
      return (before) =>
        Array.isArray(before) ? before.filter((each) => !isEqual(each, item)) : before;
    }
    case "increment":
      return (before) => {
        const sum = (typeof before === "number" ? before : 0) + operation.value;
        return Number.isFinite(sum) ? sum : before;
      };
  }
}

/** `container` with its value at `steps` changed: the same one when nothing is, or when a parent is missing. */
function change(container: unknown, steps: readonly string[], i: number, next: Change): unknown {
  if (typeof container !== "object" || container === null) return container;
  const inside: Change = (before) =>
    i === steps.length - 1 ? next(before) : change(before, steps, i + 1, next);
  const step = steps[i] ?? "";
  return step === "*" ? changeEach(container, inside) : changeAt(container, step, inside);
}

function changeAt(container: object, step: string, next: Change): unknown {
  const before = at(container, step);
  const after = next(before);
  return after === before ? container : put(container, step, after);
}

function changeEach(container: object, next: Change): unknown {
  if (Array.isArray(container)) {
    const items = container.map(next);
    if (items.every((item, index) => item === container[index])) return container;
    return items.filter((item) => item !== undefined);
  }
  const before = Object.entries(container);
  const after = before.map(([key, value]) => [key, next(value)] as const);
  if (after.every(([, value], index) => value === before[index]?.[1])) return container;
  return Object.fromEntries(after.filter(([, value]) => value !== undefined));
}

function at(container: object, step: string): unknown {
  if (Array.isArray(container)) return container[indexOf(step)];
  return has(container, step) ? (container as JsonObject)[step] : undefined;
}

/** An array grows by one at a time: a place far behind its end is its end. */
function put(container: object, step: string, value: unknown): unknown {
  if (Array.isArray(container)) {
    const index = indexOf(step);
    if (index < 0) return container;
    if (value === undefined) return container.toSpliced(index, 1);
    return index < container.length ? container.with(index, value) : [...container, value];
  }
  if (value !== undefined) return { ...container, [step]: value };
  const { [step]: _, ...others } = container as JsonObject;
  return others;
}

/** -1: names no place of an array. */
function indexOf(step: string): number {
  return /^\d{1,15}$/.test(step) ? Number(step) : -1;
}

function has(object: object, key: string): boolean {
  return Object.hasOwn(object, key);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equal as JSON values: the order of keys does not matter. Both are bounded in depth. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => isEqual(item, b[i]))
    );
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => has(b, key) && isEqual((a as JsonObject)[key], (b as JsonObject)[key]))
  );
}
