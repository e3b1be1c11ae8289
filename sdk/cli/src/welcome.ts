/** What the user is told when Millrace is ready. */
import type { Style } from "./terminal.ts";
import type { Up } from "./bring-up.ts";

export function readyLines(up: Up, dataDir: string, style: Style): string[] {
  const field = (name: string, value: string): string => `  ${style.dim(name.padEnd(9))}${value}`;
  return [
    `${style.green("Millrace is ready")} ${style.dim(`(${(up.tookMs / 1000).toFixed(1)} s)`)}`,
    field("gateway", style.bold(up.apiUrl)),
    field("key", up.secretKey),
    field("data", dataDir),
    "",
  ];
}

export function howToTrigger({ apiUrl, secretKey }: Up, taskId: string, style: Style): string[] {
  return [
    "",
    "Trigger a task:",
    style.dim(`  curl ${apiUrl}/api/v1/tasks/${encodeURIComponent(taskId)}/trigger \\`),
    style.dim(`    -H "Authorization: Bearer ${secretKey}" \\`),
    style.dim(`    -H "Content-Type: application/json" -d '{"payload": {}}'`),
    "",
    "Ctrl-C stops everything.",
  ];
}
