/** `/api/v1/deployments`: the versions of the tasks that agents serve now. v4's shapes. */
import { z } from "zod";

const STATUSES = [
  "PENDING",
  "BUILDING",
  "DEPLOYING",
  "DEPLOYED",
  "FAILED",
  "CANCELED",
  "TIMED_OUT",
] as const;

const moment = z.iso.datetime({ offset: true }).or(z.iso.date()).optional();

export const deploymentListQuerySchema = z.object({
  status: z.enum(STATUSES).optional().describe("Every version that is served is `DEPLOYED`."),
  period: z.string().optional().describe("A duration back, such as `7d`."),
  from: moment,
  to: moment,
  "page[after]": z.string().optional(),
  "page[size]": z.coerce.number().int().min(1).max(100).default(20),
});
export type DeploymentListQuery = z.infer<typeof deploymentListQuerySchema>;

export const deploymentSchema = z.object({
  id: z.string(),
  createdAt: z.iso.datetime(),
  shortCode: z.string(),
  version: z.string(),
  runtime: z.string(),
  runtimeVersion: z.string().nullable(),
  status: z.enum(STATUSES),
  deployedAt: z.iso.datetime(),
});
export type Deployment = Readonly<z.infer<typeof deploymentSchema>>;

export const deploymentListSchema = z.object({
  data: z.array(deploymentSchema),
  pagination: z.object({ next: z.string().optional() }),
});
