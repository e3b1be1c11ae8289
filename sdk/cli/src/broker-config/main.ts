/** `npm run broker-config`: the process. */
import { readCommand, USAGE } from "./command.ts";
import { reportOf } from "./report.ts";
import { writeBrokerConfig } from "./write.ts";

const USAGE_ERROR = 2;

function run(argv: readonly string[]): number {
  const command = readCommand(argv);
  if (typeof command === "string") {
    console.error(`${command}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
  console.log(reportOf(command, writeBrokerConfig(command)));
  return 0;
}

try {
  process.exitCode = run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
