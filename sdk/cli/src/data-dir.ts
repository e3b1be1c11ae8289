/** What an installation keeps in its data directory, and where. */
import { randomInt } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const PRIVATE = 0o600;
const KEY_PATTERN = /^tr_dev_[0-9A-Za-z]{24}$/;
const KEY_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_LENGTH = 24;

export class DataDir {
  readonly path: string;

  /** Makes the directory if there is none. */
  constructor(path: string) {
    this.path = path;
    mkdirSync(join(path, "logs"), { recursive: true });
  }

  /** The broker's. */
  get storeDir(): string {
    return join(this.path, "nats");
  }

  get lockFile(): string {
    return join(this.path, "lock");
  }

  get processesFile(): string {
    return join(this.path, "processes.json");
  }

  get devEnvFile(): string {
    return join(this.path, "dev.env");
  }

  logFile(name: string): string {
    return join(this.path, "logs", `${name}.log`);
  }

  /** Keeps the logs of the start before this one, and no older ones. */
  turnLogsOver(): void {
    const logsDir = join(this.path, "logs");
    for (const file of readdirSync(logsDir))
      if (/^[^.]+\.log$/.test(file))
        renameSync(join(logsDir, file), join(logsDir, file.replace(/log$/, "old.log")));
  }

  /** The development key, the same at every start. */
  devKey(): string {
    const file = join(this.path, "dev-key");
    const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    if (KEY_PATTERN.test(kept)) return kept;
    const key = `tr_dev_${randomLetters(KEY_LENGTH)}`;
    writePrivately(file, `${key}\n`);
    return key;
  }

  /** That there is a `dev.env` means that this start is ready: the last start's must not be taken for it. */
  forgetDevEnv(): void {
    rmSync(this.devEnvFile, { force: true });
  }

  writeDevEnv(values: Readonly<Record<string, string>>): void {
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
    writePrivately(this.devEnvFile, lines.join(""));
  }
}

/** Whoever reads the file sees all of it or none, and may be its owner only. */
export function writePrivately(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: PRIVATE });
  renameSync(draft, file);
}

function randomLetters(count: number): string {
  return Array.from({ length: count }, () => KEY_LETTERS[randomInt(KEY_LETTERS.length)]).join("");
}
