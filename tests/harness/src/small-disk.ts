/** A disk of a fixed size that a test can fill: a file system in memory, mounted over a directory. Linux, as root. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHUNK = Buffer.alloc(1024 * 1024);
const FILLER = "filler";

export class SmallDisk {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Whether this process may mount one here. */
  static isPossible(): boolean {
    const dir = mkdtempSync(join(tmpdir(), "millrace-disk-"));
    try {
      SmallDisk.mount(dir, 1).unmount();
      return true;
    } catch {
      return false;
    } finally {
      rmdirSync(dir);
    }
  }

  /** @throws when it may not be mounted */
  static mount(dir: string, megabytes: number): SmallDisk {
    mkdirSync(dir, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "millrace-test", dir], {
      stdio: "pipe",
    });
    return new SmallDisk(dir);
  }

  /** Leaves not a byte free. */
  fill(): void {
    const file = openSync(join(this.dir, FILLER), "a");
    try {
      for (let size = CHUNK.length; size > 0; size = Math.floor(size / 2)) writeAll(file, size);
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.dir, FILLER), { force: true });
  }

  unmount(): void {
    execFileSync("umount", ["--lazy", this.dir], { stdio: "pipe" });
  }
}

/** Writes so many bytes at a time until they do not fit. */
function writeAll(file: number, size: number): void {
  try {
    for (;;) writeSync(file, CHUNK, 0, size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
