/** The reader's own functions and services: each does as little as tells that it was called. */
import { metadata } from "@trigger.dev/sdk";

export const processItem = async (item: { id: string }) => ({ processed: item.id });
export const expensiveOperation = async (payload: unknown) => ({ computed: payload });
export const parallelProcessing = async (_payload: unknown) => "on all cores";
export const standardProcessing = async (_payload: unknown) => "on one core";

/** Fails as its payload asks. */
export async function unstableApiCall(payload: { fails?: string }) {
  if (payload.fails) throw Object.assign(new Error("It failed"), { code: payload.fails });
  return { called: true };
}

/** Answers with the status its payload asks for. */
export async function apiCall(payload: { status: number }) {
  const { status } = payload;
  if (status !== 200) throw Object.assign(new Error(`Answered ${status}`), { status });
  return { status };
}

export const database = {
  findUser: async (id: string) => ({ id, name: "Ada" }),
};

export async function processUser(user: { id: string }) {
  if (user.id === "unknown") throw new Error("No such user");
  return { processed: user.id };
}

/** What was told to whom is seen in the run's metadata. */
export async function notifySuccess(runId: string, output: unknown) {
  metadata.set("notified", { runId, output: output ?? null });
}
export async function notifyFailure(runId: string, error: Error) {
  metadata.set("notified", { runId, error: error.message });
}

export class Database {
  static async connect() {
    metadata.increment("connections", 1);
    return new Database();
  }
  readonly name = "a database";
  async connect() {
    metadata.increment("connections", 1);
  }
  async disconnect() {
    metadata.decrement("connections", 1);
  }
}
export const db = new Database();
