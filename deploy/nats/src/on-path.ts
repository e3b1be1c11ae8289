import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Environment } from "./environment.ts";
import { EXECUTABLE_NAME } from "./environment.ts";
import { inspectBinary, type Inspection } from "./binary.ts";

/** Distributions install nats-server here, which is on root's PATH but seldom on a user's. */
const SYSTEM_DIRS = process.platform === "win32" ? [] : ["/usr/local/sbin", "/usr/sbin"];

/** The first nats-server on PATH that is new enough; older ones before it are named in the reason. */
export async function firstOnPath(env: Environment): Promise<Inspection> {
  const onPath = (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter((dir) => dir !== "");
  const reasons: string[] = [];
  for (const dir of new Set([...onPath, ...SYSTEM_DIRS])) {
    const path = join(dir, EXECUTABLE_NAME);
    if (!(await isExecutable(path))) continue;
    const inspection = await inspectBinary(path, env);
    if (inspection.status === "usable") return inspection;
    reasons.push(inspection.reason);
  }
  return {
    status: "unusable",
    reason: reasons.length === 0 ? "no nats-server there" : reasons.join("\n"),
  };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
