/** Which runs the dispatch stream offers to agents: an earlier leader may have put more there than this one knows. */
import { DISPATCH } from "@millrace/proto";
import type { NatsConnection } from "@millrace/service-kit";

type Page = {
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> };
  readonly total?: number;
  readonly error?: { readonly description: string };
};

/** By run id. The stream holds only a little more than agents can take up soon. */
export async function dispatchedRuns(nc: NatsConnection): Promise<Set<string>> {
  const runIds = new Set<string>();
  for (let offset = 0; ;) {
    const body = JSON.stringify({ subjects_filter: "dispatch.>", offset });
    const answer = await nc.request(`$JS.API.STREAM.INFO.${DISPATCH.name}`, body);
    const { state, total = 0, error } = answer.json<Page>();
    if (error) throw new Error(`Listing what is dispatched failed: ${error.description}`);
    const subjects = Object.keys(state?.subjects ?? {});
    for (const subject of subjects) runIds.add(subject.slice(subject.lastIndexOf(".") + 1));
    offset += subjects.length;
    if (subjects.length === 0 || offset >= total) return runIds;
  }
}
