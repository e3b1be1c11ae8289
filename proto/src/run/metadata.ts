/** A run's metadata as a fold of operations: v4's rules. Pure; nothing given is changed. */
import type { MetadataOperation } from "../events/values.ts";
import type { JsonObject } from "./state.ts";

type Step = string | number;

/** The metadata after `operations`, in order. One that does not fit what is there changes nothing. */
export function applyMetadata(
  metadata: JsonObject,
  operations: readonly MetadataOperation[],
): JsonObject {
  let current = metadata;
  for (const operation of operations) current = apply(current, operation);
  return current;
}

function apply(metadata: JsonObject, operation: MetadataOperation): JsonObject {
  if (operation.type === "update") return operation.value;
  const path = pathOf(operation.key);
  if (path.length === 0) return metadata;
  const changed = change(metadata, path, (before) => {
    switch (operation.type) {
      case "set":
        return { value: operation.value };
      case "delete":
        return undefined;
      case "append":
        if (before === undefined) return { value: [operation.value] };
        return {
          value: Array.isArray(before) ? [...before, operation.value] : [before, operation.value],
        };
      case "remove":
        return {
          value: Array.isArray(before)
            ? before.filter((item) => !isSame(item, operation.value))
            : before,
        };
      case "increment":
        return { value: (typeof before === "number" ? before : 0) + operation.value };
    }
  });
  return changed as JsonObject;
}

/** `name` is a key; `$.a.b[0]` is a path. */
function pathOf(key: string): readonly Step[] {
  if (!key.startsWith("$.")) return [key];
  return [...key.slice(2).matchAll(/[^.[\]]+/g)].map(([step]) =>
    /^\d+$/.test(step) ? Number(step) : step,
  );
}

type Value = { readonly value: unknown } | undefined;

/** What `container` becomes when the value at the end of `path` does; undefined removes it. */
function change(
  container: unknown,
  path: readonly Step[],
  next: (before: unknown) => Value,
): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return next(container)?.value;
  const before = at(container, step);
  if (rest.length > 0) return put(container, step, { value: change(before, rest, next) });
  const value = next(before);
  // Nothing there, and nothing comes: a removal from what is not an array makes no key.
  if (before === undefined && value?.value === undefined) return container;
  return put(container, step, value);
}

function at(container: unknown, step: Step): unknown {
  if (Array.isArray(container)) return typeof step === "number" ? container[step] : undefined;
  if (typeof container !== "object" || container === null) return undefined;
  return Object.hasOwn(container, step) ? (container as JsonObject)[step] : undefined;
}

function put(container: unknown, step: Step, value: Value): unknown {
  if (Array.isArray(container) && typeof step === "number") {
    if (!value) return container.filter((_, index) => index !== step);
    return step < container.length
      ? container.with(step, value.value)
      : [...container, value.value];
  }
  const isObject = typeof container === "object" && container !== null && !Array.isArray(container);
  if (!isObject && typeof step === "number") return value ? [value.value] : [];
  const object = isObject ? (container as JsonObject) : {};
  if (value) return { ...object, [step]: value.value };
  const { [step]: _, ...others } = object;
  return others;
}

/** JSON values are the same when they are written the same. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
