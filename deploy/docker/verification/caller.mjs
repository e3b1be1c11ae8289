/** A program that uses the gateway, and asks again when it does not answer: it is restarted meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 120_000;

export class Caller {
  /** How often it had to ask again. */
  again = 0;
  #url;
  #key;

  constructor(url, key) {
    this.#url = url;
    this.#key = key;
  }

  /** The same key twice is one run: asking again is safe. @returns the run's id */
  async trigger(task, payload, idempotencyKey) {
    const body = { payload, options: { idempotencyKey } };
    return (await this.call("POST", `/api/v1/tasks/${task}/trigger`, body)).id;
  }

  async status(runId) {
    return (await this.call("GET", `/api/v3/runs/${runId}`)).status;
  }

  async log(runId) {
    return (await this.call("GET", `/api/v1/runs/${runId}/log`)).events;
  }

  /** Ids of all runs there are. */
  async allRuns() {
    const ids = [];
    for (let after = ""; after !== undefined;) {
      const page = await this.call("GET", `/api/v1/runs?page[size]=100${after}`);
      ids.push(...page.data.map(({ id }) => id));
      after = page.pagination.next ? `&page[after]=${page.pagination.next}` : undefined;
    }
    return ids;
  }

  /** Until all runs have ended: their statuses. */
  async ends(runIds, withinMs) {
    const deadline = performance.now() + withinMs;
    const statuses = new Map();
    while (statuses.size < runIds.length && performance.now() < deadline) {
      for (const id of runIds) {
        if (statuses.has(id)) continue;
        const status = await this.status(id);
        if (isEnd(status)) statuses.set(id, status);
      }
      await sleep(500);
    }
    for (const id of runIds) if (!statuses.has(id)) statuses.set(id, await this.status(id));
    return statuses;
  }

  async call(method, path, body) {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await fetch(`${this.#url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      }).catch((error) => error);
      if (answer.ok) return await answer.json();
      const isOver = performance.now() > deadline || (answer.status >= 400 && answer.status < 500);
      if (isOver) throw new Error(`${method} ${path}: ${answer.message ?? (await answer.text())}`);
      this.again++;
      await sleep(300);
    }
  }
}

function isEnd(status) {
  return !["QUEUED", "DEQUEUED", "DELAYED", "EXECUTING", "WAITING", "PENDING_VERSION"].includes(
    status,
  );
}
