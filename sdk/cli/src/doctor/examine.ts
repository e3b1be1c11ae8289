/** Runs checks, and repairs where that was asked for. */
import type { Check, Finding } from "./finding.ts";

/** Longer than anything in order takes: a slot is granted, a dispatch is taken up, in milliseconds. */
const LOOK_AGAIN_MS = 4000;

export type Examined = {
  readonly title: string;
  readonly findings: readonly (Finding & { readonly repaired?: string })[];
};

export type ExamineOptions = {
  readonly fix: boolean;
  readonly lookAgainMs?: number;
};

/** A check that fails is a problem of its own; the others go on. */
export async function examine(
  checks: readonly Check[],
  { fix, lookAgainMs = LOOK_AGAIN_MS }: ExamineOptions,
): Promise<readonly Examined[]> {
  const first = await Promise.all(
    checks.map(async (check) => ({ check, found: await look(check) })),
  );
  const isDoubtful = first.some(
    ({ check, found }) => check.isMoving && found.some(({ level }) => level !== "ok"),
  );
  if (isDoubtful) await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  const examined: Examined[] = [];
  for (const { check, found } of first) {
    const findings = await lasting(check, found);
    examined.push({
      title: check.title,
      findings: fix ? await Promise.all(findings.map(repaired)) : findings,
    });
  }
  return examined;
}

async function look(check: Check): Promise<readonly Finding[]> {
  try {
    return await check.look();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ level: "problem", says: `could not be examined: ${reason}` }];
  }
}

async function lasting(check: Check, found: readonly Finding[]): Promise<readonly Finding[]> {
  if (!check.isMoving || found.every(({ level }) => level === "ok")) return found;
  const said = new Set(found.map(({ says }) => says));
  const again = (await look(check)).filter(({ says }) => said.has(says));
  return again.length > 0 ? again : [{ level: "ok", says: "in order" }];
}

async function repaired(finding: Finding): Promise<Finding & { readonly repaired?: string }> {
  if (!finding.repair) return finding;
  try {
    await finding.repair.perform();
    return { ...finding, repaired: finding.repair.says };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...finding, advice: `repairing it failed: ${reason}` };
  }
}
