/** A line between a client and the broker that a test can cut, and on which it can keep back what is said. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

type Direction = "to-client" | "to-broker";

type Pair = {
  readonly client: Socket;
  readonly broker: Socket;
  readonly held: Record<Direction, Buffer[]>;
  forgotten: boolean;
};

export class Wire {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #holding = new Set<Direction>();
  #down = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(brokerPort: number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    server.on("connection", (client) => wire.#join(client, brokerPort));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return wire;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing arrives in this direction; what is kept back is lost when the line is cut. */
  hold(direction: Direction): void {
    this.#holding.add(direction);
  }

  /** How many bytes are kept back in this direction. */
  held(direction: Direction): number {
    let bytes = 0;
    for (const pair of this.#pairs) for (const chunk of pair.held[direction]) bytes += chunk.length;
    return bytes;
  }

  /** Cuts every connection, and refuses new ones until `mend`. */
  cut(): void {
    this.#down = true;
    for (const { client, broker } of this.#pairs) {
      client.destroy();
      broker.destroy();
    }
    this.#pairs.clear();
  }

  /** Cuts every connection on the client's side; the broker goes on believing in them and talks to nobody. */
  forgetClients(): void {
    for (const pair of this.#pairs) {
      pair.forgotten = true;
      pair.client.destroy();
    }
  }

  /** Takes connections again, and lets through what was kept back. */
  mend(): void {
    this.#down = false;
    this.#holding.clear();
    for (const pair of this.#pairs) {
      for (const chunk of pair.held["to-client"].splice(0)) pair.client.write(chunk);
      for (const chunk of pair.held["to-broker"].splice(0)) pair.broker.write(chunk);
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, brokerPort: number): void {
    if (this.#down) {
      client.destroy();
      return;
    }
    const broker = connect(brokerPort, "127.0.0.1");
    const held = { "to-client": [], "to-broker": [] };
    const pair: Pair = { client, broker, held, forgotten: false };
    this.#pairs.add(pair);
    client.on("data", (chunk) => this.#pass(chunk, pair, "to-broker", broker));
    broker.on("data", (chunk) => this.#pass(chunk, pair, "to-client", client));
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        if (pair.forgotten && socket === client) return;
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  #pass(chunk: Buffer, pair: Pair, direction: Direction, to: Socket): void {
    if (pair.forgotten) return;
    if (this.#holding.has(direction)) pair.held[direction].push(chunk);
    else to.write(chunk);
  }
}
