/** A whole Millrace that serves the tasks of the hooks' tests, and what a page's server has: a key to make tokens with. */
import { join } from "node:path";
import { Millrace } from "@millrace/harness";
import { configure, shutdown } from "@millrace/sdk";

let millrace: Millrace | undefined;
/** The gateway's address, once it has been started. */
export let baseURL = "";

export async function startPlatform(): Promise<void> {
  millrace = await Millrace.start();
  baseURL = millrace.apiUrl;
  configure({ baseURL, secretKey: millrace.secretKey });
  await millrace.agent(join(import.meta.dirname, "../tasks"));
}

export async function stopPlatform(): Promise<void> {
  await shutdown();
  await millrace?.stop();
}

/** A token with these scopes, for a quarter of an hour. */
export async function tokenFor(...scopes: readonly string[]): Promise<string> {
  return await make({ scopes });
}

/** @param seconds a token's end is a whole second */
export async function shortTokenFor(
  seconds: number,
  ...scopes: readonly string[]
): Promise<string> {
  return await make({ scopes, expirationTime: Math.floor(Date.now() / 1000) + seconds });
}

export function secretHeaders(): Record<string, string> {
  return {
    authorization: `Bearer ${millrace?.secretKey}`,
    "content-type": "application/json",
  };
}

async function make(body: object): Promise<string> {
  const response = await fetch(`${baseURL}/api/v1/auth/public-tokens`, {
    method: "POST",
    headers: secretHeaders(),
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { token: string }).token;
}
