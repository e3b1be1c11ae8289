/** A PostgreSQL of one's own: fsync and synchronous commits as they come. */
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { freePort, serve } from "./processes.mjs";

const ROOT = "/usr/lib/postgresql";

/** It refuses to be run by root: then it runs as the user its package made. */
export async function startPostgres(dir) {
  const version = readdirSync(ROOT).toSorted((a, b) => Number(b) - Number(a))[0];
  const bin = (name) => join(ROOT, version, "bin", name);
  mkdirSync(dir, { recursive: true });
  const user = process.getuid() === 0 ? idsOf("postgres") : {};
  if (user.uid !== undefined) chownSync(dir, user.uid, user.gid);
  const data = join(dir, "data");
  execFileSync(bin("initdb"), ["-D", data, "-U", "bench", "-A", "trust"], {
    stdio: "ignore",
    cwd: dir,
    ...user,
  });
  const port = await freePort();
  const server = await serve(
    "postgres",
    dir,
    [
      bin("postgres"),
      "-D",
      data,
      "-p",
      String(port),
      "-k",
      dir,
      "-c",
      "listen_addresses=127.0.0.1",
    ],
    port,
    { cwd: dir, ...user },
  );
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  await ready(url);
  // A fast shutdown: clients may still be connected.
  return {
    ...server,
    stop: () => server.stop("SIGINT"),
    url,
  };
}

/** It answers on its port before it takes connections. */
async function ready(connectionString) {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString });
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function idsOf(name) {
  const id = (flag) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
