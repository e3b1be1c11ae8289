/** The contract: delivering work. */
import { ACK, ensureConsumer, IN_PROGRESS, NAK, nakAfter, Publisher } from "@millrace/service-kit";
import { slotConsumer } from "@millrace/proto";
import { expect } from "vitest";
import { BODY, sleep, until, gate, pulling, slot, ids, type Rule } from "./support.ts";

export const DELIVERING_RULES: readonly Rule[] = [
  {
    title: "no more than may be pending, the next when one is acknowledged and gone",
    ask: async (nc, queue) => {
      const publisher = new Publisher(nc);
      for (const id of ["a", "b", "c"]) await publisher.publish(slot(queue, id), BODY);
      const { got, loop } = await gate(nc, queue, 2);
      await until(() => got.length === 2);
      await sleep(100);
      expect(ids(got)).toEqual(["a", "b"]);
      expect(await publisher.publish(slot(queue, "a"), BODY)).toMatchObject({ kind: "refused" });
      nc.publish(got[0]?.reply ?? "", ACK);
      await until(() => got.length === 3);
      expect(ids(got)[2]).toBe("c");
      expect(await publisher.publish(slot(queue, "a"), BODY)).toMatchObject({ kind: "stored" });
      loop.stop();
    },
  },

  {
    title: "what is handed back comes again at once, or after the time that is asked for",
    ask: async (nc, queue) => {
      const publisher = new Publisher(nc);
      await publisher.publish(slot(queue, "a"), BODY);
      const { got, loop } = await gate(nc, queue, 1);
      await until(() => got.length === 1);
      nc.publish(got[0]?.reply ?? "", NAK);
      await until(() => got.length === 2);
      const before = Date.now();
      nc.publish(got[1]?.reply ?? "", nakAfter(400));
      await until(() => got.length === 3);
      expect(Date.now() - before).toBeGreaterThanOrEqual(390);
      expect(ids(got)).toEqual(["a", "a", "a"]);
      // Two were counted as pending all the time: no other one was delivered.
      loop.stop();
    },
  },

  {
    title: "what is not acknowledged in time comes again; what is extended does not",
    ask: async (nc, queue) => {
      const publisher = new Publisher(nc);
      for (const id of ["a", "b"]) await publisher.publish(slot(queue, id), BODY);
      const definition = { ...slotConsumer({ env: "dev", queue }, 2), ack_wait: 1e9 };
      await ensureConsumer(nc, definition);
      const { got, loop } = await gate(nc, queue, 2);
      await until(() => got.length === 2);
      const extended = got[1]?.reply ?? "";
      for (let i = 0; i < 4; i++) {
        await sleep(400);
        nc.publish(extended, IN_PROGRESS);
      }
      await until(() => got.length >= 3);
      expect(new Set(ids(got.slice(2)))).toEqual(new Set(["a"]));
      loop.stop();
    },
  },

  {
    title: "a greater limit delivers more to requests that wait already",
    ask: async (nc, queue) => {
      const publisher = new Publisher(nc);
      for (const id of ["a", "b", "c"]) await publisher.publish(slot(queue, id), BODY);
      const { got, loop } = await gate(nc, queue, 1);
      await until(() => got.length === 1);
      await ensureConsumer(nc, slotConsumer({ env: "dev", queue }, 3));
      await until(() => got.length === 3);
      loop.stop();
    },
  },

  {
    title: "a consumer nobody knows is made again by whoever pulls",
    ask: async (nc, queue) => {
      const { got, loop } = pulling(nc, queue, 1, 1);
      await new Publisher(nc).publish(slot(queue, "a"), BODY);
      await until(() => got.length === 1);
      loop.stop();
    },
  },
];
