/** Asking services whether they do their work. */

/** undefined: ready. Otherwise why not. */
export async function whyNotReady(healthPort: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`, {
      signal: AbortSignal.timeout(2000),
    });
    if (response.ok) return undefined;
    const body = (await response.json()) as { error?: unknown };
    return typeof body.error === "string" ? body.error : `it answers ${response.status}`;
  } catch {
    return "it does not answer yet";
  }
}
