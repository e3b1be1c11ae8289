/** Which environment a secret key opens: its own, or, a preview key, the one of the branch the request names. */
import { branchEnvironment, branchProblem, PREVIEW, refuse, type Refusal } from "@millrace/proto";

export const BRANCH_HEADER = "x-trigger-branch";

/** @param env the key's */
export function openedEnvironment(
  env: string,
  branch: string | undefined,
): { readonly ok: true; readonly env: string } | Refusal {
  // v4's clients name the branch they were built from wherever they are: to another key it means nothing.
  if (env !== PREVIEW) return { ok: true, env };
  if (branch === undefined || branch === "") return NO_BRANCH;
  const problem = branchProblem(branch);
  if (problem !== undefined) return refuse("BAD_REQUEST", `${BRANCH_HEADER}: ${problem}`);
  return { ok: true, env: branchEnvironment(branch) };
}

const NO_BRANCH = refuse(
  "BAD_REQUEST",
  `A preview key opens an environment for each branch: name one in the header ${BRANCH_HEADER} (TRIGGER_PREVIEW_BRANCH)`,
);
