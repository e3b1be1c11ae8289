/** Whether strangers get in. */
import { connectBroker } from "@millrace/nats";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check } from "../finding.ts";

/** @param url as this process connects, without its credentials */
export function accessCheck(api: BrokerApi, url: string): Check {
  return {
    title: "access",
    look: async () => {
      if (api.nc.info?.auth_required === true)
        return [ok("the broker takes nobody without credentials")];
      const isLocal = /\/\/(127\.|localhost|\[::1\])/.test(url);
      const stranger = await connectBroker({ url, name: "millrace doctor, as a stranger" });
      await stranger.close();
      return [
        {
          level: isLocal ? "warning" : "problem",
          says: "the broker takes anybody who reaches it",
          advice: "give each role a user of its own: see docs/security.md",
        },
      ];
    },
  };
}
