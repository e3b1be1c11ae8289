/** The arguments of `npm run keys`, and what is said in the end. */
import { parseArgs } from "node:util";
import { keyEnvironment, keyPrefix, parseDuration } from "@millrace/proto";
import type { Keys, ListedKey } from "./keys.ts";

export const USAGE = `Usage: npm run keys -- COMMAND --env ENV

  create             makes a key and prints it: it is not shown again
  register           lets the key in that MILLRACE_SECRET_KEY holds; the same again changes nothing
  list               shows the keys there are; without --env those of every environment
  rotate             makes a key; the others stay valid for --grace (default: 24h)
  revoke --key ID    takes a key back at once; ID is the one in the list
  reencrypt          encrypts all keys and environment variables with the current master key

  --env ENV          the environment: dev, staging, prod, preview or a name of your own

MILLRACE_NATS_URL, MILLRACE_NATS_CREDENTIALS: the broker.
MILLRACE_MASTER_KEY: what keys are encrypted with; the same as the gateways'.
MILLRACE_MASTER_KEY_FILE, MILLRACE_SECRET_KEY_FILE: files that hold the two.`;

export type Command =
  | { readonly name: "create"; readonly env: string }
  | { readonly name: "list"; readonly env: string | undefined }
  | { readonly name: "reencrypt" }
  | { readonly name: "register"; readonly env: string; readonly key: string }
  | { readonly name: "rotate"; readonly env: string; readonly graceMs: number }
  | { readonly name: "revoke"; readonly env: string; readonly id: string };

const OPTIONS = {
  env: { type: "string" },
  grace: { type: "string" },
  key: { type: "string" },
} as const;

const ENV = /^[A-Za-z0-9_-]{1,64}$/;
const ID = /^[0-9a-f]{6,64}$/;

/** A key is as good as what it is made of: less than this after its beginning can be guessed. */
const MIN_LETTERS = 20;

/** What is asked for, or what is wrong with it. @param givenKey the one to register */
export function readCommand(argv: readonly string[], givenKey?: string): Command | string {
  let parsed: ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { env, grace = "24h", key = "" } = parsed.values;
  const [name, ...rest] = parsed.positionals;
  if (rest.length > 0) return `unexpected: ${rest.join(" ")}`;
  const problem = environmentProblem(env);
  if (problem !== undefined) return `--env: "${env}" ${problem}`;
  if (name === "list") return { name, env };
  if (name === "reencrypt") return { name };
  if (!isChange(name))
    return `a command is missing: create, register, list, rotate, revoke or reencrypt`;
  if (env === undefined) return "--env is missing";
  if (name === "register") return readRegister(env, givenKey);
  return readChange(name, env, { grace, key });
}

function isChange(name = ""): name is "create" | "register" | "rotate" | "revoke" {
  return ["create", "register", "rotate", "revoke"].includes(name);
}

function environmentProblem(env: string | undefined): string | undefined {
  if (env === undefined) return undefined;
  if (!ENV.test(env)) return "is no environment's name";
  const owner = keyEnvironment(env);
  return owner === env ? undefined : `is a branch's environment: the keys of ${owner} open it`;
}

function readRegister(env: string, key: string | undefined): Command | string {
  if (!key) return "MILLRACE_SECRET_KEY, or the file in MILLRACE_SECRET_KEY_FILE, gives the key";
  const beginning = keyPrefix(env);
  const letters = key.slice(beginning.length);
  if (!key.startsWith(beginning)) return `keys of ${env} begin with ${beginning}`;
  if (letters.length < MIN_LETTERS || !/^[0-9A-Za-z]+$/.test(letters))
    return `after ${beginning} a key has at least ${MIN_LETTERS} characters, letters and digits`;
  return { name: "register", env, key };
}

function readChange(
  name: "create" | "rotate" | "revoke",
  env: string,
  { grace, key }: { readonly grace: string; readonly key: string },
): Command | string {
  if (name === "create") return { name, env };
  if (name === "revoke")
    return ID.test(key) ? { name, env, id: key } : "--key: the key's ID is in the list";
  const graceMs = parseDuration(grace);
  return graceMs === undefined
    ? `--grace: "${grace}" is not a duration such as 24h`
    : { name, env, graceMs };
}

/** @returns what to print, and the exit status */
export async function execute(
  keys: Keys,
  command: Command,
  nowMs: number,
): Promise<{ readonly text: string; readonly status: number }> {
  switch (command.name) {
    case "create":
      return { text: await keys.create(command.env, nowMs), status: 0 };
    case "register":
      await keys.register(command.env, command.key, nowMs);
      return { text: "", status: 0 };
    case "rotate":
      return { text: await keys.rotate(command.env, command.graceMs, nowMs), status: 0 };
    case "list":
      return { text: (await keys.list(command.env)).map(lineOf).join("\n"), status: 0 };
    case "reencrypt": {
      const { done, unreadable } = await keys.reencrypt();
      const rest = unreadable === 0 ? "" : ` ${unreadable} are of a master key that is not given.`;
      return {
        text: `${done} secrets are encrypted anew.${rest}`,
        status: unreadable === 0 ? 0 : 1,
      };
    }
    case "revoke": {
      const count = await keys.revoke(command.env, command.id);
      if (count === 1) return { text: `${command.id} is taken back.`, status: 0 };
      const what = count === 0 ? "names no key" : `names ${count} keys`;
      return { text: `${command.id} ${what} of ${command.env}: nothing was changed.`, status: 1 };
    }
  }
}

function lineOf({ id, record, canSign }: ListedKey): string {
  const { env, hint = "?", createdAt, validUntil } = record;
  const until = validUntil === undefined ? "" : `, valid until ${dateOf(validUntil)}`;
  const signs = canSign ? "" : ", signs no tokens";
  return `${id}  ${env}  ${hint}  made ${dateOf(createdAt)}${until}${signs}`;
}

function dateOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
