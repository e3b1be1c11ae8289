/** One page that follows runs: a WebSocket of its own, and all that it was told. */
import { once } from "node:events";
import type { Millrace } from "@millrace/harness";
import { LIVE, type LiveMessage, type LiveRequest } from "@millrace/proto";
import { WebSocket } from "ws";

/** `at`: when it came, epoch milliseconds. `isChange` false: the state a subscription began with. */
export type Shown = { readonly seq: number; readonly at: number; readonly isChange: boolean };

type Told = { readonly seqs: number[]; isOver: boolean };

export class Subscriber {
  readonly #socket: WebSocket;
  readonly #tag: string;
  readonly #onShown: (shown: Shown) => void;
  readonly #told = new Map<string, Told>();
  #problem: string | undefined;
  #onCaughtUp: () => void = () => undefined;

  private constructor(socket: WebSocket, tag: string, onShown: (shown: Shown) => void) {
    this.#socket = socket;
    this.#tag = tag;
    this.#onShown = onShown;
    socket.on("message", (data) =>
      this.#receive(JSON.parse((data as Buffer).toString()) as LiveMessage),
    );
    socket.on("close", (code) => {
      this.#problem ??= `closed with ${code}`;
    });
  }

  static async connect(
    { apiUrl, secretKey }: Millrace,
    tag: string,
    onShown: (shown: Shown) => void,
  ): Promise<Subscriber> {
    const headers = { authorization: `Bearer ${secretKey}` };
    const socket = new WebSocket(`${apiUrl.replace("http", "ws")}${LIVE.path}`, { headers });
    const subscriber = new Subscriber(socket, tag, onShown);
    await once(socket, "open");
    return subscriber;
  }

  /** Follows all runs with its tag; resolves when it is told of them. */
  async followTag(): Promise<void> {
    const caughtUp = new Promise<void>((resolve) => {
      this.#onCaughtUp = resolve;
    });
    this.#send({ type: "subscribe-runs", id: "all", tags: [this.#tag], afterSeq: 0 });
    await caughtUp;
  }

  followRun(runId: string): void {
    this.#send({ type: "subscribe", id: runId, runId });
  }

  hasEnded(runId: string): boolean {
    if (this.#problem !== undefined) throw new Error(`${this.#tag}: ${this.#problem}`);
    return this.#told.get(runId)?.isOver ?? false;
  }

  /**
   * It was told of the run's newest state, and of each once, in order.
   * @param lastSeq of the run's last event
   * @throws when not
   */
  check(runId: string, lastSeq: number): void {
    const { seqs = [] } = this.#told.get(runId) ?? {};
    const isAscending = seqs.every((seq, i) => i === 0 || seq > (seqs[i - 1] ?? 0));
    if (!isAscending || seqs.at(-1) !== lastSeq)
      throw new Error(`${this.#tag} was told ${seqs.join()} of ${runId}, which ends at ${lastSeq}`);
  }

  /** @throws when it was told of a run that is not one of these */
  checkForeign(runIds: ReadonlySet<string>): void {
    for (const runId of this.#told.keys())
      if (!runIds.has(runId)) throw new Error(`${this.#tag} was told of ${runId}`);
  }

  close(): void {
    this.#socket.terminate();
  }

  #send(request: LiveRequest): void {
    this.#socket.send(JSON.stringify(request));
  }

  #receive(message: LiveMessage): void {
    const at = performance.timeOrigin + performance.now();
    if (message.type === "caught-up") this.#onCaughtUp();
    else if (message.type === "error") this.#problem ??= JSON.stringify(message);
    else if (message.type === "run") this.#show(message, at);
  }

  #show({ id, seq, run }: Extract<LiveMessage, { type: "run" }>, at: number): void {
    let told = this.#told.get(run.id);
    const isChange = told !== undefined || id === "all";
    if (!told) this.#told.set(run.id, (told = { seqs: [], isOver: false }));
    told.seqs.push(seq);
    told.isOver = run.isCompleted;
    if (id === "all" && !run.tags.includes(this.#tag)) this.#problem ??= `told of ${run.id}`;
    this.#onShown({ seq, at, isChange });
  }
}
