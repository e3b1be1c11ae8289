/**
 * A reverse proxy for tests: everything streams through to a gateway and back, and what was JSON is held against the
 * document the gateway serves. URLs the gateway hands out lead through the proxy, too: it sees the proxy's host.
 */
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { OpenApiContract, type Exchange, type OpenApiDocument } from "./openapi-contract.ts";

/** Longer bodies are passed on and not looked at. */
const KEPT_BYTES = 16 * 1024 * 1024;

export class OpenApiCheck {
  /** `GET /api/v1/runs 200: …`; empty as long as everything is as documented. */
  readonly problems: string[] = [];
  /** Operation → the statuses it was answered with. */
  readonly exercised = new Map<string, Set<number>>();
  readonly #contract: OpenApiContract;
  readonly #proxies: Server[] = [];
  readonly #agent = new Agent({ keepAlive: true });

  constructor(document: OpenApiDocument) {
    this.#contract = new OpenApiContract(document);
  }

  /** @param gatewayUrl of a gateway that is ready; its document is what counts */
  static async of(gatewayUrl: string): Promise<OpenApiCheck> {
    const response = await fetch(`${gatewayUrl}/openapi.json`);
    return new OpenApiCheck((await response.json()) as OpenApiDocument);
  }

  /** Starts a proxy in front of a gateway, and returns its address. */
  async proxy(gatewayUrl: string): Promise<string> {
    const server = createServer((incoming, outgoing) => {
      this.#forward(new URL(gatewayUrl), incoming, outgoing);
    });
    // Streams and polls take as long as the gateway lets them.
    server.requestTimeout = 0;
    this.#proxies.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  record(exchange: Exchange): void {
    const { operation, problems } = this.#contract.judge(exchange);
    const { method, url, status } = exchange;
    if (operation !== undefined) {
      const statuses = this.exercised.get(operation) ?? new Set();
      this.exercised.set(operation, statuses.add(status));
    }
    this.problems.push(...problems.map((problem) => `${method} ${url} ${status}: ${problem}`));
  }

  /** The same for a request that was sent without a proxy. Its answer can still be read. */
  async look(
    url: string,
    { method = "GET", body }: RequestInit,
    response: Response,
  ): Promise<void> {
    const contentType = response.headers.get("content-type") ?? undefined;
    this.record({
      method,
      url,
      sent: typeof body === "string" ? body : undefined,
      status: response.status,
      contentType,
      received: isJson(contentType) ? await response.clone().text() : undefined,
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    for (const server of this.#proxies) server.closeAllConnections();
    await Promise.all(
      this.#proxies.map((server) => new Promise<void>((done) => server.close(() => done()))),
    );
  }

  #forward(gateway: URL, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = "GET", url = "/", headers } = incoming;
    const { hostname, port } = gateway;
    const sent = kept(incoming, headers["content-type"]);
    const forwarded = httpRequest({
      hostname,
      port,
      method,
      path: url,
      headers,
      agent: this.#agent,
    });
    forwarded.on("response", (answer) => {
      const { statusCode: status = 0, headers: answered } = answer;
      const contentType = answered["content-type"];
      const received = kept(answer, contentType);
      answer.once("end", () =>
        this.record({ method, url, status, contentType, sent: sent(), received: received() }),
      );
      answer.once("close", () => {
        if (!answer.complete) outgoing.destroy();
      });
      outgoing.writeHead(status, answer.rawHeaders);
      // The headers of a stream that is still silent.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    // A gateway that refuses a body before all of it has come closes the connection: its answer counts.
    forwarded.on("error", () => {
      if (!outgoing.headersSent) outgoing.destroy();
    });
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) forwarded.destroy();
    });
    incoming.pipe(forwarded);
  }
}

/** What has come of a JSON body, to be asked for at its end. */
function kept(message: IncomingMessage, type = ""): () => string | undefined {
  if (!isJson(type)) return () => undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  message.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= KEPT_BYTES) chunks.push(chunk);
  });
  return () => (length > KEPT_BYTES ? undefined : Buffer.concat(chunks).toString("utf8"));
}

function isJson(type = ""): boolean {
  return /^application\/(problem\+)?json\b/.test(type);
}
