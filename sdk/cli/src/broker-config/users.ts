/** The users of an installation: one for each service, and two for each environment. */
import type { BrokerUser } from "@millrace/broker";
import { inboxPrefixOf, publicKeyOf } from "@millrace/nats";
import { permissionsOf, type BrokerRole } from "@millrace/proto";

/** `name` is also the name of its secret's file. */
export type NamedRole = { readonly name: string; readonly role: BrokerRole };

export function rolesOf(envs: readonly string[], pools: readonly string[]): readonly NamedRole[] {
  return [
    ...(["coordinator", "scheduler", "gateway", "admin"] as const).map((kind) => ({
      name: kind,
      role: { kind },
    })),
    ...envs.flatMap((env) => [
      { name: `agent-${env}`, role: { kind: "agent", env, pools } as const },
      { name: `client-${env}`, role: { kind: "client", env } as const },
    ]),
  ];
}

/** @throws BrokerAccessError when the seed is none */
export function userOf({ name, role }: NamedRole, seed: string): BrokerUser {
  const publicKey = publicKeyOf(seed);
  return { name, publicKey, ...permissionsOf(role, inboxPrefixOf(publicKey)) };
}
