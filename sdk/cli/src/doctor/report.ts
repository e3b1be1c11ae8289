/** What people read. */
import type { Examined } from "./examine.ts";

const MARKS = { ok: "ok     ", warning: "WARNING", problem: "PROBLEM" } as const;

export function reportOf(examined: readonly Examined[], fix: boolean): string {
  const lines: string[] = [];
  let repairable = 0;
  for (const { title, findings } of examined)
    for (const finding of findings) {
      lines.push(`${MARKS[finding.level]}  ${title}: ${finding.says}`);
      if (finding.repaired !== undefined) lines.push(`         repaired: ${finding.repaired}`);
      else if (finding.advice !== undefined) lines.push(`         ${finding.advice}`);
      if (!fix && finding.repair) repairable++;
    }
  if (repairable > 0) lines.push("", `${repairable} of these can be repaired: run it with --fix`);
  return lines.join("\n");
}

/** Whether something is wrong that was not repaired. */
export function isIll(examined: readonly Examined[]): boolean {
  return examined.some(({ findings }) =>
    findings.some(({ level, repaired }) => level === "problem" && repaired === undefined),
  );
}
