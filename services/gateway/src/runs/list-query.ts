/** The query of `GET /api/v1/runs`, v4's: `page[size]`, `filter[status]=QUEUED,EXECUTING`, `filter[createdAt][period]=7d`. */
import {
  cursorPageQuerySchema,
  refuse,
  type CallInput,
  type Refusal,
  type RunFilter,
  type RunFilterName,
} from "@millrace/proto";

type Query = Readonly<Record<string, unknown>>;
type Draft = { -readonly [K in keyof RunFilter]: RunFilter[K] };

/** What each field of a filter makes of its text; undefined: not usable. */
const FIELDS: Readonly<Record<RunFilterName, (draft: Draft, text: string) => unknown>> = {
  "filter[status]": (draft, text) => (draft.status = list(text)),
  "filter[taskIdentifier]": (draft, text) => (draft.taskIdentifier = list(text)),
  "filter[version]": (draft, text) => (draft.version = list(text)),
  "filter[tag]": (draft, text) => (draft.tag = list(text)),
  "filter[queue]": (draft, text) =>
    (draft.queue = list(text).map((name) => ({ type: "custom" as const, name }))),
  "filter[machine]": (draft, text) => (draft.machine = list(text)),
  "filter[region]": (draft, text) => (draft.region = list(text)),
  "filter[bulkAction]": (draft, text) => (draft.bulkAction = text),
  "filter[batch]": (draft, text) => (draft.batch = text),
  "filter[schedule]": (draft, text) => (draft.schedule = text),
  "filter[isTest]": (draft, text) => (draft.isTest = boolean(text)),
  "filter[createdAt][from]": (draft, text) => (draft.from = moment(text)),
  "filter[createdAt][to]": (draft, text) => (draft.to = moment(text)),
  "filter[createdAt][period]": (draft, text) => (draft.period = text),
};

type ListQuery = { readonly ok: true; readonly value: CallInput<"runs.list"> };

export function readListQuery(query: Query): ListQuery | Refusal {
  const filter: Draft = {};
  for (const [name, value] of Object.entries(query)) {
    if (!name.startsWith("filter[") || value === "") continue;
    const field = isFilter(name) ? FIELDS[name] : undefined;
    if (!field) return refuse("BAD_REQUEST", `${name} is not a filter of runs`);
    if (typeof value !== "string") return refuse("BAD_REQUEST", `${name} is given twice`);
    if (field(filter, value) === undefined)
      return refuse("BAD_REQUEST", `${name}: "${value}" is not usable`);
  }
  const page = readPage(query);
  return page.ok ? { ok: true, value: { filter, ...page.value } } : page;
}

type PageQuery = CallInput<"bulk.list">;

/**
 * `page[size]` (1 to 100), `page[after]`, `page[before]`. v4's clients go back with the cursor they had come by: of both,
 * `before` counts.
 */
export function readPage(query: Query): { readonly ok: true; readonly value: PageQuery } | Refusal {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(cursorPageQuerySchema.shape)) {
    const value = query[name];
    if (value === undefined || value === "") continue;
    if (typeof value !== "string") return refuse("BAD_REQUEST", `${name} is given twice`);
    given[name] = value;
  }
  const read = cursorPageQuerySchema.safeParse(given);
  if (!read.success)
    return refuse("BAD_REQUEST", "page[size] must be a whole number from 1 to 100");
  const { "page[size]": limit, "page[after]": after, "page[before]": before } = read.data;
  const cursor = before === undefined ? { after } : { before };
  return { ok: true, value: withoutUndefined({ limit, ...cursor }) };
}

function withoutUndefined(page: Readonly<Record<string, unknown>>): PageQuery {
  return Object.fromEntries(Object.entries(page).filter(([, value]) => value !== undefined));
}

function isFilter(name: string): name is RunFilterName {
  return Object.hasOwn(FIELDS, name);
}

function list(text: string): string[] {
  return text.split(",").flatMap((part) => {
    const value = part.trim();
    return value === "" ? [] : [value];
  });
}

function boolean(text: string): boolean | undefined {
  return text === "true" || text === "1"
    ? true
    : text === "false" || text === "0"
      ? false
      : undefined;
}

/** Epoch milliseconds, or a date in ISO 8601. */
function moment(text: string): number | undefined {
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isSafeInteger(at) && at >= 0 ? at : undefined;
}
