/** What the user is told when Millrace is ready. */
import type { Durability } from "@millrace/broker";
import type { Style } from "./terminal.ts";
import type { Up } from "./bring-up.ts";

const DURABILITY: Readonly<Record<Durability, string>> = {
  fast: "fast: a power failure may lose the last two minutes",
  strict: "strict: what is acknowledged is on the disk",
};

/** @param durability of the broker of our own */
export function readyLines(
  up: Up,
  dataDir: string,
  durability: Durability | undefined,
  style: Style,
): string[] {
  const field = (name: string, value: string): string => `  ${style.dim(name.padEnd(12))}${value}`;
  return [
    `${style.green("Millrace is ready")} ${style.dim(`(${(up.tookMs / 1000).toFixed(1)} s)`)}`,
    field("gateway", style.bold(up.apiUrl)),
    field("key", up.secretKey),
    field("data", dataDir),
    ...(durability === undefined ? [] : [field("durability", DURABILITY[durability])]),
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
