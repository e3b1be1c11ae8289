/** Cancelling and replaying many runs. */
import {
  bulkActionListSchema,
  bulkActionSchema,
  createBulkActionBodySchema,
  createdBulkActionSchema,
} from "../bulk.ts";
import { cursorPageQuerySchema } from "../pages.ts";
import { SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Bulk actions";
const ALL = "/api/v1/bulk-actions";

export const BULK_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: ALL,
    id: "createBulkAction",
    tag,
    summary: "Cancel or replay many runs",
    description: "Those a filter finds now, or those that are named: exactly one of both.",
    credentials: SECRET_KEY,
    body: { schema: createBulkActionBodySchema },
    answers: { 200: { description: "The action.", schema: createdBulkActionSchema } },
    errors: ["LIST_NOT_READY"],
  },
  {
    method: "GET",
    route: ALL,
    id: "listBulkActions",
    tag,
    summary: "List bulk actions, the newest first",
    credentials: SECRET_KEY,
    query: cursorPageQuerySchema,
    answers: { 200: { description: "A page of actions.", schema: bulkActionListSchema } },
  },
  {
    method: "GET",
    route: `${ALL}/:id`,
    id: "retrieveBulkAction",
    tag,
    summary: "Look at a bulk action",
    credentials: SECRET_KEY,
    answers: { 200: { description: "How far it is.", schema: bulkActionSchema } },
    errors: ["BULK_ACTION_NOT_FOUND"],
  },
  {
    method: "POST",
    route: `${ALL}/:id/abort`,
    id: "abortBulkAction",
    tag,
    summary: "Abort a bulk action",
    description: "What was done stays done.",
    credentials: SECRET_KEY,
    answers: { 200: { description: "How far it came.", schema: bulkActionSchema } },
    errors: ["BULK_ACTION_NOT_FOUND"],
  },
];
