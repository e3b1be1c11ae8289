/** What the doctor asks the broker about itself. */
import type { NatsConnection } from "@millrace/nats";

export type StreamInfo = {
  readonly ts?: string;
  readonly config: { readonly name: string; readonly num_replicas: number };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly last_seq: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly name: string;
      readonly current: boolean;
      readonly offline?: boolean;
      readonly lag?: number;
    }[];
  };
};

export type ConsumerInfo = {
  readonly name: string;
  readonly config: { readonly durable_name?: string; readonly filter_subject?: string };
  readonly num_ack_pending: number;
  readonly num_pending: number;
  readonly num_waiting: number;
};

type Paged = { readonly total?: number };
type Failed = { readonly error?: { readonly description: string } };

export class BrokerApi {
  readonly nc: NatsConnection;

  constructor(nc: NatsConnection) {
    this.nc = nc;
  }

  async streamInfo(stream: string): Promise<StreamInfo> {
    return await this.#ask<StreamInfo>(`STREAM.INFO.${stream}`);
  }

  /** All subjects of the stream below `filter`, however many. */
  async subjects(stream: string, filter: string): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const page = await this.#ask<StreamInfo & Paged>(`STREAM.INFO.${stream}`, {
        subjects_filter: filter,
        offset: all.length,
      });
      const subjects = Object.keys(page.state.subjects ?? {});
      all.push(...subjects);
      if (subjects.length === 0 || all.length >= (page.total ?? 0)) return all;
    }
  }

  async consumers(stream: string): Promise<ConsumerInfo[]> {
    const all: ConsumerInfo[] = [];
    for (;;) {
      const page = await this.#ask<Paged & { consumers?: readonly ConsumerInfo[] | null }>(
        `CONSUMER.LIST.${stream}`,
        { offset: all.length },
      );
      all.push(...(page.consumers ?? []));
      if ((page.consumers ?? []).length === 0 || all.length >= (page.total ?? 0)) return all;
    }
  }

  /** Removes what is stored under the subject. */
  async purge(stream: string, subject: string): Promise<void> {
    await this.#ask(`STREAM.PURGE.${stream}`, { filter: subject });
  }

  async account(): Promise<{
    readonly storage: number;
    readonly limits: { readonly max_storage: number };
  }> {
    return await this.#ask("INFO");
  }

  async #ask<T>(api: string, body?: object): Promise<T> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const answer = await this.nc.request(`$JS.API.${api}`, text, { timeout: 10_000 });
    const value = answer.json<T & Failed>();
    if (value.error) throw new Error(`${api}: ${value.error.description}`);
    return value;
  }
}
