/** As much of a framework's router as snippets use, and what its pages show. */
import { TriggerAuthContext } from "@millrace/react";
import { useContext } from "react";

const jar = new Map<string, string | undefined>();

export const cookies = () => ({
  get: (name: string) => jar.get(name),
  set: (name: string, value: string | undefined) => void jar.set(name, value),
});

export const redirections: string[] = [];
export const redirect = (path: string) => void redirections.push(path);

export function RunDetails({ id }: { readonly id: string }) {
  return `${id} with ${useContext(TriggerAuthContext)?.accessToken}`;
}
