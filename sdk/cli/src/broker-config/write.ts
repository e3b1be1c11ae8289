/**
 * Writes the broker's configuration and its users' secrets. A secret is written once and never overwritten, unless all are
 * made anew; whoever gets in between sees whole files.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accountsBlock, brokerConfig, type BrokerUser } from "@millrace/broker";
import { makeUserKey } from "@millrace/nats";
import type { Command } from "./command.ts";
import { rolesOf, userOf } from "./users.ts";

export type Written = {
  readonly secrets: readonly {
    readonly name: string;
    readonly file: string;
    readonly isNew: boolean;
  }[];
  readonly configFile: string;
  /** The server's configuration was there, and is as it was. */
  readonly isConfigKept: boolean;
};

const ACCOUNTS_HEADING = `# Written by "npm run broker-config"; changes here are lost. Public keys only: nothing here is secret.\n`;

/** @throws when a file cannot be read or written, or holds no seed */
export function writeBrokerConfig(command: Command): Written {
  const { out, envs, pools, rotate } = command;
  const secretsDir = join(out, "secrets");
  mkdirSync(secretsDir, { recursive: true, mode: 0o700 });
  const secrets: { name: string; file: string; isNew: boolean }[] = [];
  const users: BrokerUser[] = [];
  for (const named of rolesOf(envs, pools)) {
    const file = join(secretsDir, `${named.name}.nkey`);
    const isNew = rotate || !existsSync(file);
    const seed = isNew ? makeUserKey().seed : readFileSync(file, "utf8").trim();
    users.push(userOf(named, seed));
    if (isNew) writeWhole(file, `${seed}\n`, 0o600);
    secrets.push({ name: named.name, file, isNew });
  }
  writeWhole(join(out, "accounts.conf"), `${ACCOUNTS_HEADING}${accountsBlock(users)}`, 0o600);
  const configFile = join(out, "nats.conf");
  const isConfigKept = existsSync(configFile);
  if (!isConfigKept) {
    const { host, port, storeDir, syncAlways, tls } = command;
    const auth = { includedFile: "accounts.conf" };
    const heading = 'Written once by "npm run broker-config"; change it as you like.';
    writeWhole(
      configFile,
      brokerConfig({ host, port, storeDir, syncAlways, tls, auth, heading }),
      0o600,
    );
  }
  return { secrets, configFile, isConfigKept };
}

function writeWhole(file: string, text: string, mode: number): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text, { mode, flag: "wx" });
  renameSync(unfinished, file);
}
