/** Restate: a server, and a service it calls over HTTP/2. */
import { createRequire } from "node:module";
import { join } from "node:path";
import * as restate from "@restatedev/restate-sdk";
import * as clients from "@restatedev/restate-sdk-clients";
import { freePort, serve } from "./processes.mjs";

const NAME = "bench";

// Its SDK wants what Node.js has from 22 on.
Promise.withResolvers ??= function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

export async function startServer(dir) {
  const [ingress, admin, node] = await Promise.all([freePort(), freePort(), freePort()]);
  const require = createRequire(import.meta.url);
  const program = join(
    require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/package.json`),
    "../bin/restate-server",
  );
  const server = await serve("restate", dir, [program, "--base-dir", dir], ingress, {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      RUST_LOG: "warn",
      DO_NOT_TRACK: "1",
    },
  });
  return { ...server, url: JSON.stringify({ ingress, admin, service: await freePort() }) };
}

export async function openClient(url) {
  const { ingress } = JSON.parse(url);
  const connection = clients.connect({ url: `http://127.0.0.1:${ingress}` });
  const service = connection.serviceSendClient({ name: NAME });
  return {
    trigger: async (data, { delayMs } = {}) => {
      const options = delayMs === undefined ? undefined : clients.rpc.sendOpts({ delay: delayMs });
      await (options ? service.job(data, options) : service.job(data));
    },
    fanOut: async (items, data) => {
      await service.join({ items, data });
    },
    close: async () => undefined,
  };
}

export async function work(url, _concurrency, { run, ended, joined }) {
  const { admin, service: port } = JSON.parse(url);
  const service = restate.service({
    name: NAME,
    handlers: {
      job: async (_context, data) => {
        const result = run(data);
        ended();
        return result;
      },
      join: async (context, { items, data }) => {
        const self = context.serviceClient({ name: NAME });
        await restate.RestatePromise.all(Array.from({ length: items }, () => self.job(data)));
        joined();
      },
    },
  });
  await restate.serve({ services: [service], port });
  const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
  });
  if (!answer.ok) throw new Error(`Restate does not take the service: ${await answer.text()}`);
  return async () => undefined;
}
