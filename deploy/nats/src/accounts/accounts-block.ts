/** The part of the server's configuration that says who may do what. */
import { quoted } from "../quoted.ts";

/** A user the server knows by its public NKey: it keeps no secret of anybody. */
export type BrokerUser = {
  /** For people who read the configuration. */
  readonly name: string;
  /** `U…` */
  readonly publicKey: string;
  /** Subjects, with wildcards; everything else is refused. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
};

/** One account, with JetStream. Who is none of these users is refused. */
export function accountsBlock(users: readonly BrokerUser[]): string {
  return `accounts {
  MILLRACE {
    jetstream: enabled
    users: [
${users.map(userBlock).join("\n")}
    ]
  }
}
`;
}

function userBlock({ name, publicKey, publish, subscribe }: BrokerUser): string {
  return `      # ${name}
      {
        nkey: ${publicKey}
        permissions {
${subjects("publish", publish)}
${subjects("subscribe", subscribe)}
        }
      }`;
}

function subjects(what: string, allowed: readonly string[]): string {
  const lines = allowed.map((subject) => `            ${quoted(subject)}`);
  return `          ${what} {\n            allow: [\n${lines.join("\n")}\n            ]\n          }`;
}
