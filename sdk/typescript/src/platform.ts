/** The way to the platform: a run's own host inside a run, elsewhere one transport, made at its first use. */
import {
  CALLS,
  GATEWAY_CALLS,
  refuse,
  type CallInput,
  type CallName,
  type CallOutput,
  type RunView,
} from "@millrace/proto";
import {
  checkConfiguration,
  connectionOf,
  gatewayOf,
  type Configuration,
  type Connection,
} from "./config.ts";
import { refusalError } from "./errors.ts";
import { currentRun, type RunsSelector, type Subscription, type Transport } from "./host.ts";
import { checkRequestOptions, type RequestOptions } from "./request-options.ts";

export type Platform = Omit<Transport, "close">;

let configured: Configuration = {};
/** The configured connection, once it was needed. */
let usual: Connection | undefined;
/** Every transport in use, by its connection. */
const transports = new Map<string, Promise<Transport>>();

/**
 * Sets how to reach the platform, in place of what was configured before. The next call uses it.
 * @throws ConfigurationError naming a setting this version does not have
 */
export function configure(configuration: Configuration): void {
  checkConfiguration(configuration);
  configured = configuration;
  void shutdown();
}

/** @throws ConfigurationError, ApiError when the broker cannot be reached */
export async function platform(options?: RequestOptions): Promise<Platform> {
  return (await reach(options)).platform;
}

/**
 * One of `CALLS`. What only the gateway can answer is asked there, also inside a run and over NATS, when one is
 * configured.
 * @throws ApiError, also when the input is not of the call's form: then nothing was sent
 */
export async function callPlatform<C extends CallName>(
  name: C,
  input: CallInput<C>,
  options?: RequestOptions,
): Promise<CallOutput<C>> {
  const read = CALLS[name].safeParse(input);
  if (!read.success)
    throw refusalError(
      refuse(
        "BAD_REQUEST",
        read.error.issues
          .map(({ path, message }) => `${[name, ...path.map(String)].join(".")}: ${message}`)
          .join("; "),
      ),
    );
  const reached = await reach(options);
  const answering = GATEWAY_CALLS.has(name) ? await viaGateway(reached, options) : reached.platform;
  return await answering.call(name, input);
}

/** Follows several runs: the gateway's to answer, as above. */
export async function followRuns(
  selector: RunsSelector,
  onView: (view: RunView) => void,
  onError: (error: Error) => void,
): Promise<Subscription> {
  const gateway = await viaGateway(await reach());
  return await gateway.subscribeToRuns(selector, onView, onError);
}

type Reached = { readonly kind: "run" | Connection["kind"]; readonly platform: Platform };

async function reach(options?: RequestOptions): Promise<Reached> {
  if (options) checkRequestOptions(options);
  const run = currentRun();
  if (run && !options?.clientConfig) return { kind: "run", platform: run.host };
  const connection = options
    ? connectionOf(settingsFor(options))
    : (usual ??= connectionOf(configured));
  return { kind: connection.kind, platform: await transportTo(connection) };
}

/** Where no gateway is known, whoever was asked refuses and says why. */
async function viaGateway(
  { kind, platform: asked }: Reached,
  options?: RequestOptions,
): Promise<Platform> {
  const gateway = kind === "http" ? undefined : gatewayOf(settingsFor(options));
  return gateway ? await transportTo(gateway) : asked;
}

function settingsFor({ clientConfig = {}, retry }: RequestOptions = {}): Configuration {
  checkConfiguration(clientConfig);
  return {
    ...configured,
    ...clientConfig,
    // One key has two names.
    secretKey: keyOf(clientConfig) ?? keyOf(configured),
    accessToken: undefined,
    transport: transportOf(clientConfig) ?? configured.transport,
    ...(retry === undefined ? {} : { requestOptions: { retry } }),
  };
}

function keyOf({ secretKey, accessToken }: Configuration): string | undefined {
  return secretKey ?? accessToken;
}

/** Settings for one call that name a gateway mean it, whatever is configured for the others. */
function transportOf(config: Configuration): Configuration["transport"] {
  if (config.transport) return config.transport;
  if (config.baseURL ?? keyOf(config)) return "http";
  return config.natsUrl === undefined ? undefined : "nats";
}

/** What could not be opened is not kept: the next call tries again. */
function transportTo(connection: Connection): Promise<Transport> {
  const key = JSON.stringify(connection);
  const open = transports.get(key);
  if (open) return open;
  const opening = openTransport(connection);
  transports.set(key, opening);
  opening.catch(() => {
    if (transports.get(key) === opening) transports.delete(key);
  });
  return opening;
}

/**
 * Ends connections and subscriptions, so that the process can exit: over NATS the connection keeps it alive
 * otherwise. A later call connects again.
 */
export async function shutdown(): Promise<void> {
  const closing = [...transports.values()];
  transports.clear();
  usual = undefined;
  await Promise.all(
    closing.map(async (opening) => {
      const opened = await opening.catch(() => undefined);
      await opened?.close();
    }),
  );
}

/** Imported only when chosen: who speaks HTTP does not load the broker's client, and the other way round. */
async function openTransport(connection: Connection): Promise<Transport> {
  if (connection.kind === "http") {
    const { HttpTransport } = await import("./http/http-transport.ts");
    return new HttpTransport(connection);
  }
  const { NatsTransport } = await import("./nats-transport.ts");
  return await NatsTransport.connect(connection);
}
