/** The system under test, and the published client's way to it: two environment variables and nothing else. */
import { join } from "node:path";
import { freePort, Millrace, OpenApiCheck } from "@millrace/harness";

const TASKS = join(import.meta.dirname, "../../tasks");

/** The version the agent serves. */
export const VERSION = "20261122.1";

/** For calls whose failure is expected: the client asks again where it is told to, which takes seconds. */
export const ONCE = { retry: { maxAttempts: 1 } };

export const FAST = { pollIntervalMs: 25 };

let started: Millrace | undefined;
let check: OpenApiCheck | undefined;
let address: string | undefined;

/** The gateway's address, for what goes around the client. */
export function apiUrl(): string {
  if (address === undefined) throw new Error("Millrace has not been started");
  return address;
}

/** What has become of all that was sent: every request goes through it. */
export function openApiCheck(): OpenApiCheck {
  if (!check) throw new Error("Millrace has not been started");
  return check;
}

export async function startMillrace(): Promise<void> {
  started = await Millrace.start();
  check = await OpenApiCheck.of(started.apiUrl);
  address = await check.proxy(started.apiUrl);
  process.env["TRIGGER_API_URL"] = address;
  process.env["TRIGGER_SECRET_KEY"] = started.secretKey;
  await started.agent(TASKS, { MILLRACE_CPUS: "8", MILLRACE_VERSION: VERSION });
}

/** The address of another gateway, which answers 429 to more than this. */
export async function startLimitedGateway(rate: string): Promise<string> {
  const port = await freePort();
  const gateway = await started?.service("gateway", {
    MILLRACE_GATEWAY_PORT: String(port),
    MILLRACE_RATE_LIMITS: "on",
    MILLRACE_KEY_RATE_LIMIT: rate,
  });
  await gateway?.ready();
  return await openApiCheck().proxy(`http://127.0.0.1:${port}`);
}

export async function stopMillrace(): Promise<void> {
  delete process.env["TRIGGER_API_URL"];
  delete process.env["TRIGGER_SECRET_KEY"];
  await check?.stop();
  await started?.stop();
}
