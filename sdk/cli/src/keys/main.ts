/** `npm run keys`: the process. */
import { accessSettingsOf, brokerAccess, connectBroker, SecretBox } from "@millrace/nats";
import { masterKeysOf, secretKeyOf } from "../secrets.ts";
import { execute, readCommand, USAGE } from "./command.ts";
import { Keys } from "./keys.ts";

const USAGE_ERROR = 2;

async function run(argv: readonly string[]): Promise<number> {
  const command = readCommand(argv, secretKeyOf(process.env));
  if (typeof command === "string") {
    console.error(`${command}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
  const nc = await connectBroker({
    url: process.env["MILLRACE_NATS_URL"] || "nats://127.0.0.1:4222",
    name: "millrace keys",
    access: brokerAccess(accessSettingsOf(process.env)),
  });
  try {
    const keys = await Keys.open(nc, await SecretBox.open(nc, masterKeysOf(process.env)));
    const { text, status } = await execute(keys, command, Date.now());
    if (text !== "") console.log(text);
    return status;
  } finally {
    await nc.close();
  }
}

process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
});
