/** The list of runs forgets what the log forgets. */
import { join } from "node:path";
import { RUNS } from "@millrace/proto";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Projection } from "../src/projection/projection.ts";
import { startLog } from "./log.ts";

const RETENTION_MS = 1500;

test("runs leave the list when the log has kept them for long enough, those that live stay", async ({
  onTestFinished,
}) => {
  const log = await startLog();
  onTestFinished(() => log.stop());
  const file = join(log.folder, "rows");
  let projection = await log.open(file);
  const listed = async (tag?: string): Promise<readonly string[]> => {
    await projection.upToDate();
    const filter = tag === undefined ? {} : { tag: [tag] };
    const answer = projection.listRuns("dev", { filter, limit: 100 });
    if (!answer.ok) throw new Error(answer.message);
    return answer.value.data.map(({ id }) => id);
  };
  const lives = await log.trigger("dev", { tags: ["t"] });
  const ended = [];
  // More than are removed in one turn.
  for (let n = 0; n < 250; n++) {
    const runId = await log.trigger("dev", { tags: ["t"] });
    await log.start("dev", runId);
    await log.succeed("dev", runId);
    ended.push(runId);
  }
  expect(await listed("t")).toContain(ended[249]);
  await projection.close();
  const api = "$JS.API.STREAM";
  const { config } = (await log.nc.request(`${api}.INFO.${RUNS.name}`)).json<{ config: object }>();
  const changed = { ...config, max_age: RETENTION_MS * 1e6, duplicate_window: 1e9 };
  await log.nc.request(`${api}.UPDATE.${RUNS.name}`, JSON.stringify(changed));
  const silent = pino({ level: "silent" });
  projection = await Projection.open({ nc: log.nc, log: silent, file, expiryMs: 50 });
  onTestFinished(() => projection.close());
  await expect.poll(() => listed(), { timeout: 10_000 }).toEqual([lives]);
  expect(await listed("t")).toEqual([lives]);
});
