/**
 * Scopes of public tokens: `action:type`, or `action:type:id`, where the id may have colons of its own.
 *
 * 1. `admin` allows everything; nothing else that begins with it allows anything.
 * 2. Without an id a scope is about every one of its type. What asks for a whole type needs a scope without an id.
 * 3. The action `*` is every action, the type `all` every type.
 * 4. `write` also allows `trigger`, `batchTrigger` and `update`.
 */

export type Action = "read" | "write" | "trigger" | "batchTrigger" | "update";

const ACTIONS: ReadonlySet<string> = new Set([
  "read",
  "write",
  "trigger",
  "batchTrigger",
  "update",
  "*",
]);

const TYPES = [
  "runs",
  "tasks",
  "batch",
  "queues",
  "deployments",
  "envvars",
  "apiKeys",
  "branches",
  "sessions",
  "waitpoints",
  "tags",
  "query",
  "inputStreams",
  "prompts",
] as const;
export type ScopeType = (typeof TYPES)[number];

/** What a request needs. Without an id: for every one of the type. */
export type Permission = {
  readonly action: Action;
  readonly type: ScopeType;
  readonly id?: string;
};

const EVERYTHING = "admin";
const ANY_ACTION = "*";
const ANY_TYPE = "all";
const WRITES: ReadonlySet<Action> = new Set<Action>(["write", "trigger", "batchTrigger", "update"]);

/** Whether any of these scopes allows it. A scope that makes no sense allows nothing. */
export function grants(scopes: readonly string[], needed: Permission): boolean {
  return scopes.some((scope) => {
    if (scope === EVERYTHING) return true;
    const { action, type, id } = partsOf(scope);
    const isAction =
      action === needed.action ||
      action === ANY_ACTION ||
      (action === "write" && WRITES.has(needed.action));
    const isType = type === needed.type || type === ANY_TYPE;
    return isAction && isType && (id === undefined || (id !== "" && id === needed.id));
  });
}

/** Whether it can ever allow anything. */
export function isScope(scope: string): boolean {
  if (scope === EVERYTHING) return true;
  const { action, type = "", id } = partsOf(scope);
  const isType = type === ANY_TYPE || (TYPES as readonly string[]).includes(type);
  return ACTIONS.has(action) && isType && id !== "";
}

type Parts = {
  readonly action: string;
  readonly type: string | undefined;
  readonly id: string | undefined;
};

function partsOf(scope: string): Parts {
  const [action = "", type, ...rest] = scope.split(":");
  return { action, type, id: rest.length === 0 ? undefined : rest.join(":") };
}
