/**
 * A simulated power failure: what of a broker's store would be on the disk if its machine had lost power when it was
 * killed. The server runs under strace, which notes every write and every fsync. Afterwards each file is kept only as
 * far as it had been written when it was last synced; a file that never was is gone.
 *
 * This is the worst a file system may do with appended data, and more than one mostly does: it writes pages back by
 * itself after some seconds. What it does not try: writes that reach the disk in another order than they were made.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Whether processes can be traced here. */
export function canTrace(): boolean {
  return spawnSync("strace", ["-D", "-o", "/dev/null", "true"]).status === 0;
}

/** A program that runs `program` under strace, in the same process, and notes its calls in `traceFile`. */
export function traced(program: string, traceFile: string): string {
  const script = `${traceFile}.sh`;
  mkdirSync(dirname(script), { recursive: true });
  const strace = `strace -D -f -y -qq -s 0 -o '${traceFile}' -e trace=${CALLS}`;
  writeFileSync(script, `#!/bin/sh\nexec ${strace} '${program}' "$@"\n`);
  chmodSync(script, 0o700);
  return script;
}

/** `synced`: how much of it is on the disk. */
type Traced = { size: number; synced: number; readonly isSync: boolean };

/** The files of a store, and how many of their bytes are on the disk; of those that were written by this process. */
function syncedBytes(trace: string): Map<string, number> {
  const files = new Map<string, Traced>();
  const unfinished = new Map<string, string>();
  for (const line of trace.split("\n")) {
    const [, thread = "", call = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(call);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    if (begun) unfinished.set(thread, begun[1] ?? "");
    else note(files, resumed ? `${unfinished.get(thread) ?? ""}${resumed[1] ?? ""}` : call);
  }
  return new Map([...files].map(([path, { synced }]) => [path, synced]));
}

type Files = Map<string, Traced>;

/** `path`: of the file descriptor it is made on; `names`: of files in its arguments; `rest`: all of them as text. */
type Call = {
  readonly path: string;
  readonly names: readonly string[];
  readonly rest: string;
  readonly result: number;
};

const lastNumber = ({ rest }: Call): number => Number(/, (\d+)$/.exec(rest)?.[1]);

function opened(files: Files, { names: [name = ""], rest }: Call): void {
  if (!rest.includes("O_TRUNC") && files.has(name)) return;
  files.set(name, { size: 0, synced: 0, isSync: rest.includes("O_SYNC") });
}

function written(files: Files, path: string, end: number): void {
  const file = files.get(path);
  if (!file) return;
  file.size = Math.max(file.size, end);
  if (file.isSync) file.synced = file.size;
}

function appended(files: Files, { path, result }: Call): void {
  written(files, path, (files.get(path)?.size ?? 0) + result);
}

function synced(files: Files, { path }: Call): void {
  const file = files.get(path);
  if (file) file.synced = file.size;
}

function renamed(files: Files, { names: [from = "", to = ""] }: Call): void {
  const file = files.get(from);
  files.delete(from);
  if (file) files.set(to, file);
}

function removed(files: Files, { names: [name = ""] }: Call): void {
  files.delete(name);
}

const EFFECTS: Readonly<Record<string, (files: Files, call: Call) => void>> = {
  openat: opened,
  write: appended,
  writev: appended,
  pwrite64: (files, call) => written(files, call.path, lastNumber(call) + call.result),
  ftruncate: (files, call) => {
    const file = files.get(call.path);
    const size = lastNumber(call);
    if (file) Object.assign(file, { size, synced: Math.min(file.synced, size) });
  },
  fsync: synced,
  fdatasync: synced,
  rename: renamed,
  renameat: renamed,
  renameat2: renamed,
  unlink: removed,
  unlinkat: removed,
};
const CALLS = Object.keys(EFFECTS).join(",");

/** One line of the trace, its two halves joined. */
function note(files: Files, line: string): void {
  const [, name = "", rest = "", returned = "-1"] = /^(\w+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
  const result = Number(returned);
  if (result < 0) return;
  const [, path = ""] = /^\d+<(.*?)>/.exec(rest) ?? [];
  const names = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text ?? "");
  EFFECTS[name]?.(files, { path, names, rest, result });
}

/** Copies a store as a power failure would have left it. */
export function copyAfterPowerLoss(traceFile: string, store: string, copy: string): void {
  const onDisk = syncedBytes(readFileSync(traceFile, "utf8"));
  const walk = (folder: string): void => {
    mkdirSync(join(copy, folder), { recursive: true });
    for (const entry of readdirSync(join(store, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else copyBeginning(join(store, path), join(copy, path), onDisk.get(join(store, path)) ?? 0);
    }
  };
  if (existsSync(join(store, "jetstream"))) walk("jetstream");
}

function copyBeginning(from: string, to: string, bytes: number): void {
  if (bytes === 0) return;
  const content = Buffer.alloc(bytes);
  const file = openSync(from, "r");
  try {
    writeFileSync(to, content.subarray(0, readSync(file, content, 0, bytes, 0)));
  } finally {
    closeSync(file);
  }
}
