/** The site the pages are on: an origin of its own, so that the browser asks the gateway for permission. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";

const PUBLISHED = "@trigger.dev/react-hooks";
const ENTRY = join(import.meta.dirname, "../page/main.tsx");
const HTML =
  '<!doctype html><meta charset="utf-8"><title>Runs</title><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>';

export class PageServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param hooks the package whose hooks the pages use; they import v4's */
  static async start(hooks: string): Promise<PageServer> {
    const script = await bundle(hooks);
    const server = createServer(({ url }, response) => {
      const isScript = url === "/page.js";
      const type = isScript ? "text/javascript" : "text/html";
      response.writeHead(200, { "content-type": type }).end(isScript ? script : HTML);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The address of one of its pages. */
  urlOf(page: string, inputs: Readonly<Record<string, string>>): string {
    return `${this.origin}/#${new URLSearchParams({ page, ...inputs }).toString()}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

async function bundle(hooks: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    jsx: "automatic",
    conditions: ["@millrace/source"],
    alias: hooks === PUBLISHED ? {} : { [PUBLISHED]: hooks },
    define: { "process.env.NODE_ENV": '"production"' },
    // The published package asks for it where it runs on a server.
    external: ["node:http2"],
  });
  return outputFiles[0]?.text ?? "";
}
