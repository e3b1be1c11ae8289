/** The contract: subscriptions. */
import { expect } from "vitest";
import { BODY, sleep, until, type Rule } from "./support.ts";

export const SUBSCRIPTIONS_RULES: readonly Rule[] = [
  {
    title: "of a group one hears each message",
    ask: async (nc, name) => {
      const heard: string[] = [];
      for (const who of ["a", "b"])
        nc.subscribe(`otel.${name}.>`, {
          queue: "group",
          callback: (_error, { subject }) => void heard.push(`${who} ${subject}`),
        });
      await nc.flush();
      for (let i = 0; i < 10; i++) nc.publish(`otel.${name}.${i}`, BODY);
      await until(() => heard.length >= 10);
      await sleep(50);
      expect(new Set(heard.map((each) => each.slice(2))).size).toBe(10);
      expect(heard).toHaveLength(10);
    },
  },
];
