/**
 * What each role may do with the broker: the subjects it may publish to and listen to. Data, made of the subjects, streams
 * and buckets of this contract; the broker's configuration is generated from it. A role's table is in the file of its name.
 *
 * A request to JetStream is a message, too. What it is about stands in its subject where the role is confined to an
 * environment: a consumer is made with one filter, a message is read by its subject. Requests that name it in their body
 * (`STREAM.MSG.GET`, direct gets of several messages, `STREAM.INFO`, `STREAM.PURGE`) are for roles that see every
 * environment anyway.
 */
import { admin } from "./admin.ts";
import { agent } from "./agent.ts";
import { client } from "./client.ts";
import { coordinator } from "./coordinator.ts";
import { gateway } from "./gateway.ts";
import type { BrokerRole, Permissions } from "./roles.ts";
import { scheduler } from "./scheduler.ts";

/** @param inboxPrefix where answers to this user come, and to nobody else */
export function permissionsOf(role: BrokerRole, inboxPrefix: string): Permissions {
  const { publish = [], subscribe = [] } = ofRole(role);
  return {
    publish: [...new Set(publish)].toSorted(),
    subscribe: [...new Set([...subscribe, `${inboxPrefix}.>`])].toSorted(),
  };
}

function ofRole(role: BrokerRole): Partial<Permissions> {
  switch (role.kind) {
    case "client":
      return client(role.env);
    case "agent":
      return agent(role.env, role.pools);
    case "gateway":
      return gateway();
    case "coordinator":
      return coordinator();
    case "scheduler":
      return scheduler();
    case "admin":
      return admin();
  }
}
