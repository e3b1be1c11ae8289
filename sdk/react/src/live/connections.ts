/** The connections of this page: one for each gateway and token, as long as something is followed with it. */
import { Connection } from "./connection.ts";

const connections = new Map<string, Connection>();

export function connectionTo(baseURL: string, token: string): Connection {
  const name = JSON.stringify([baseURL, token]);
  const known = connections.get(name);
  if (known) return known;
  const connection = new Connection(baseURL, token, () => {
    if (connections.get(name) === connection) connections.delete(name);
  });
  connections.set(name, connection);
  return connection;
}
