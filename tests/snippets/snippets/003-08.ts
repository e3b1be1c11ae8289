import { task } from "@trigger.dev/sdk";
import { Database, db, notifyFailure, notifySuccess } from "../stand-ins/services.ts";
// #region snippet
export const taskWithHooks = task({
  id: "task-with-hooks",
  onSuccess: async ({ output, ctx }) => { await notifySuccess(ctx.run.id, output); },
  onFailure: async ({ error, ctx }) => { await notifyFailure(ctx.run.id, error); },  // after ALL retries
  onWait: async () => { await db.disconnect(); },
  onResume: async () => { await db.connect(); },
  run: async (payload) => { /* ... */ },
});

// Global middleware (src/trigger/init.ts)
import { locals, tasks } from "@trigger.dev/sdk";

const DbLocal = locals.create<Database>("db");
export function getDb() { return locals.getOrThrow(DbLocal); }

tasks.middleware("db", async ({ next }) => {
  const db = await Database.connect();
  locals.set(DbLocal, db);
  await next();
  await db.disconnect();
});
// #endregion
export const withDb = task({ id: "with-db", run: async () => getDb().name });
