/**
 * Audits the npm packages a project has installed: one run lists them, one run each looks at them, eight at a time,
 * and the first one puts together what they found.
 */
import { resolve } from "node:path";
import { logger, queue, task } from "@millrace/sdk";
import { auditPackageIn, type PackageAudit } from "../src/audit-package.ts";
import { installedPackages } from "../src/installed-packages.ts";
import { reportOn, type AuditReport } from "../src/report.ts";

/** However many packages there are, the disk is read by so many runs at once. */
const auditQueue = queue({ name: "audit", concurrencyLimit: 8 });

/** The most that one batch may hold. */
const BATCH_MAX = 1000;

/** A few milliseconds of reading: many of these share a process. */
export const auditPackage = task({
  id: "audit-package",
  queue: auditQueue,
  machine: "micro",
  isolation: "shared",
  run: async ({ dir }: { dir: string }): Promise<PackageAudit> => await auditPackageIn(dir),
});

/** `root`: the project's folder, the one with `node_modules` in it; default: where the agent runs. */
export const dependencyAudit = task({
  id: "dependency-audit",
  run: async (payload: { root?: string } | undefined): Promise<AuditReport> => {
    const project = resolve(payload?.root ?? process.cwd());
    const dirs = await installedPackages(project);
    logger.info(`${dirs.length} packages in ${project}`);

    const audits: PackageAudit[] = [];
    const failures: { dir: string; problem: string }[] = [];
    for (let from = 0; from < dirs.length; from += BATCH_MAX) {
      const chunk = dirs.slice(from, from + BATCH_MAX);
      const { runs } = await auditPackage.batchTriggerAndWait(
        chunk.map((dir) => ({ payload: { dir } })),
      );
      for (const [i, result] of runs.entries()) {
        if (result.ok) audits.push(result.output);
        else failures.push({ dir: chunk[i] ?? "", problem: String(result.error) });
      }
    }
    return reportOn(project, audits, failures);
  },
});
