/** A line to the gateway that can be cut, as networks are. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** WebSockets that were ever opened through it. */
  opened = 0;
  /** How many bytes the next connections, one after the other, bring to the page before they are cut. */
  readonly limits: number[] = [];
  /** While true, nobody gets through. */
  isDown = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** In front of a gateway's address. */
  static async start(target: string): Promise<Proxy> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    const proxy = new Proxy(server);
    server.on("connection", (near) => proxy.#join(near, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections there are now. */
  get open(): number {
    return this.#sockets.size / 2;
  }

  /** Breaks every connection in the middle of whatever it carries. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(near: Socket, far: Socket): void {
    const both = [near, far];
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const each of both) each.destroy();
      });
    }
    if (this.isDown) return void near.destroy();
    near.once("data", (data) => {
      if (data.includes("/api/v1/ws")) this.opened++;
    });
    near.pipe(far);
    let left = this.limits.shift();
    if (left === undefined) return void far.pipe(near);
    far.on("data", (data) => {
      if (left === undefined || left <= 0) return;
      near.write(data.subarray(0, left));
      left -= data.length;
      if (left <= 0) near.end();
    });
  }
}
