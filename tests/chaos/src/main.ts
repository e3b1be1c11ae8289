/**
 * `npm run chaos -- [--seed N] [--minutes N] [--broker single|cluster] [--scenario kill,freeze,…] [--rate N] [--json FILE]
 * [--keep DIR]`. Ends with 1 when a rule was violated, with 2 when it was not understood.
 */
import { cpSync, writeFileSync } from "node:fs";
import { chaos } from "./chaos.ts";
import { OptionsError, readOptions, type Options } from "./options.ts";
import { asJson, report } from "./report.ts";

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function options(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    say(error.message);
    process.exit(2);
  }
}

const { chaos: what, json, keep } = options();
say(`seed ${what.seed}`);
const result = await chaos({
  ...what,
  say,
  keep: (dir) => {
    if (keep !== undefined) cpSync(dir, keep, { recursive: true });
  },
});
process.stdout.write(`${report(result)}\n`);
if (json !== undefined) writeFileSync(json, asJson(result));
process.exitCode = result.violations.length === 0 ? 0 : 1;
