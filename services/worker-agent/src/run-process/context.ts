/** v4's `ctx`, from what the agent knows of the run. */
import { environmentType, queueId } from "@millrace/proto";
import type { TaskContext } from "@millrace/sdk/internal";
import type { MachineSizes } from "../config.ts";
import type { Start } from "../process/messages.ts";

const ORGANIZATION = { id: "default", slug: "default", name: "default" } as const;
const PROJECT = { id: "default", ref: "default", slug: "default", name: "default" } as const;

export function contextOf(start: Start, filePath: string, machines: MachineSizes): TaskContext {
  const { trigger, version } = start;
  const { cpu, memoryGb } = machines[trigger.machine];
  return {
    attempt: { number: start.attempt, startedAt: new Date(start.attemptStartedAt) },
    run: runOf(start),
    task: { id: trigger.taskId, filePath },
    queue: { id: queueId(trigger.queue), name: trigger.queue },
    environment: {
      id: trigger.env,
      slug: trigger.env,
      type: environmentType(trigger.env),
    },
    organization: ORGANIZATION,
    project: PROJECT,
    machine: {
      name: trigger.machine,
      preset: trigger.machine,
      cpu,
      memory: memoryGb,
      centsPerMs: 0,
    },
    ...(trigger.batchId === undefined ? {} : { batch: { id: trigger.batchId } }),
    ...(version === null ? {} : { deployment: deploymentOf(version) }),
  };
}

function runOf(start: Start): TaskContext["run"] {
  const { trigger, version } = start;
  const { parent, rootRunId, idempotency } = trigger;
  return {
    id: start.runId,
    tags: start.tags,
    isTest: trigger.isTest,
    isReplay: trigger.replayOf !== undefined,
    createdAt: new Date(trigger.at),
    startedAt: new Date(start.startedAt),
    baseCostInCents: 0,
    ...(idempotency ? { idempotencyKey: idempotency.userKey ?? idempotency.key } : {}),
    ...(idempotency?.scope === undefined ? {} : { idempotencyKeyScope: idempotency.scope }),
    ...(version === null ? {} : { version }),
    ...(start.maxAttempts === null ? {} : { maxAttempts: start.maxAttempts }),
    ...(trigger.maxDurationSec === undefined ? {} : { maxDuration: trigger.maxDurationSec }),
    ...(trigger.priorityMs === 0 ? {} : { priority: trigger.priorityMs / 1000 }),
    ...(parent ? { parentTaskRunId: parent.runId } : {}),
    ...(rootRunId === undefined ? {} : { rootTaskRunId: rootRunId }),
    ...(trigger.pool === "default" ? {} : { region: trigger.pool }),
  };
}

function deploymentOf(version: string): NonNullable<TaskContext["deployment"]> {
  return {
    id: version,
    shortCode: version,
    version,
    runtime: "node",
    runtimeVersion: process.version,
  };
}
