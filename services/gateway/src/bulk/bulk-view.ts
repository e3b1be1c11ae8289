/** A bulk action as v4's clients see it. */
import type { BulkAction, BulkRecord } from "@millrace/proto";

export function viewOfBulkAction(record: BulkRecord): BulkAction {
  const { id, name, action, status, counts, createdAt, completedAt } = record;
  return {
    id,
    ...(name === undefined ? {} : { name }),
    type: action === "cancel" ? "CANCEL" : "REPLAY",
    status,
    counts,
    createdAt: new Date(createdAt).toISOString(),
    ...(completedAt === undefined ? {} : { completedAt: new Date(completedAt).toISOString() }),
  };
}
