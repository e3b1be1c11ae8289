/** `npm run keys`: the process. */
import { connectBroker, SecretBox } from "@millrace/nats";
import { masterKeysOf } from "../master-key.ts";
import { execute, readCommand, USAGE } from "./command.ts";
import { Keys } from "./keys.ts";

const USAGE_ERROR = 2;

async function run(argv: readonly string[]): Promise<number> {
  const command = readCommand(argv);
  if (typeof command === "string") {
    console.error(`${command}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
  const credentialsFile = process.env["MILLRACE_NATS_CREDENTIALS"];
  const nc = await connectBroker({
    url: process.env["MILLRACE_NATS_URL"] || "nats://127.0.0.1:4222",
    name: "millrace keys",
    ...(credentialsFile ? { credentialsFile } : {}),
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
