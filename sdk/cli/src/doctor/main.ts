/**
 * `npm run doctor [-- --fix] [--json]`: examines a running installation, and repairs what is safe.
 * Exit status: 0 nothing is wrong (any more), 1 something is, 2 it was called wrongly.
 */
import { parseArgs } from "node:util";
import { accessSettingsOf, brokerAccess, connectBroker } from "@millrace/nats";
import { doctor } from "./doctor.ts";
import { isIll, reportOf } from "./report.ts";

const USAGE =
  "usage: npm run doctor -- [--fix] [--json]    (MILLRACE_NATS_URL and the like say where)";

async function run(argv: readonly string[]): Promise<number> {
  let options: { fix: boolean; json: boolean };
  try {
    ({ values: options } = parseArgs({
      args: [...argv],
      options: {
        fix: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const url = process.env["MILLRACE_NATS_URL"] || "nats://127.0.0.1:4222";
  const nc = await connectBroker({
    url,
    name: "millrace doctor",
    access: brokerAccess(accessSettingsOf(process.env)),
  });
  try {
    const examined = await doctor(nc, { fix: options.fix, url });
    console.log(options.json ? JSON.stringify(examined, null, 2) : reportOf(examined, options.fix));
    return isIll(examined) ? 1 : 0;
  } finally {
    await nc.close();
  }
}

process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
});
