/** Large payloads and outputs of runs, which are kept in the object store and fetched where they are shown. */
import type { Packet, RunView } from "@millrace/proto";
import { isApiError } from "./errors.ts";
import { plainValue } from "./packets.ts";
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";

type Field = "payload" | "output";

/** Whether a value of the run is still to be fetched. */
export function hasStored(view: RunView): boolean {
  return pathOf(view, "payload") !== undefined || pathOf(view, "output") !== undefined;
}

/** The run with its large values. One that is not kept any more is left out. */
export async function openStored(view: RunView, options?: RequestOptions): Promise<RunView> {
  if (!hasStored(view)) return view;
  const [payload, output] = await Promise.all([
    fieldOf(view, "payload", options),
    fieldOf(view, "output", options),
  ]);
  return { ...view, ...payload, ...output };
}

async function fieldOf(
  view: RunView,
  field: Field,
  options: RequestOptions | undefined,
): Promise<Partial<RunView>> {
  const path = pathOf(view, field);
  if (path === undefined) return {};
  try {
    const packet: Packet = await callPlatform("packets.load", { path }, options);
    return { [field]: plainValue(packet), [`${field}Type`]: packet.type };
  } catch (error) {
    if (isApiError(error) && error.status === 404) return {};
    throw error;
  }
}

function pathOf(view: RunView, field: Field): string | undefined {
  return view[field] === undefined ? view[`${field}Path`] : undefined;
}
