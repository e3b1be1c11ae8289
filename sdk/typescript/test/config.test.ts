import { describe, expect, it } from "vitest";
import { chooseConnection, type Configuration, type Connection } from "../src/config.ts";
import { ConfigurationError } from "../src/errors.ts";

type Environment = Parameters<typeof chooseConnection>[1];

const http = (baseUrl: string, secretKey: string): Connection => ({
  kind: "http",
  baseUrl,
  secretKey,
});
const nats = (url: string, env = "dev"): Connection => ({ kind: "nats", url, env });

const LOCAL = "http://127.0.0.1:3030";

const CHOICES: readonly [string, Configuration, Environment, Connection][] = [
  ["a key: the gateway of this machine", {}, { MILLRACE_SECRET_KEY: "k" }, http(LOCAL, "k")],
  [
    "v4's names",
    {},
    { TRIGGER_API_URL: "https://x.test/", TRIGGER_ACCESS_TOKEN: "k" },
    http("https://x.test", "k"),
  ],
  [
    "our names before v4's",
    {},
    { MILLRACE_SECRET_KEY: "ours", TRIGGER_SECRET_KEY: "v4's" },
    http(LOCAL, "ours"),
  ],
  ["a broker alone", {}, { MILLRACE_NATS_URL: "nats://b" }, nats("nats://b")],
  [
    "a broker and a gateway: the gateway",
    {},
    { MILLRACE_NATS_URL: "nats://b", MILLRACE_SECRET_KEY: "k" },
    http(LOCAL, "k"),
  ],
  [
    "the same, told to use the broker",
    {},
    { MILLRACE_NATS_URL: "nats://b", MILLRACE_SECRET_KEY: "k", MILLRACE_TRANSPORT: "nats" },
    nats("nats://b"),
  ],
  [
    "configure() before the environment",
    { natsUrl: "nats://b" },
    { MILLRACE_SECRET_KEY: "k" },
    nats("nats://b"),
  ],
  [
    "configure() of a gateway before an environment with a broker",
    { baseURL: "https://x.test", secretKey: "k" },
    { MILLRACE_NATS_URL: "nats://b" },
    http("https://x.test", "k"),
  ],
  [
    "configure() of a transport before the environment's",
    { transport: "http", accessToken: "k" },
    { MILLRACE_TRANSPORT: "nats", MILLRACE_NATS_URL: "nats://b" },
    http(LOCAL, "k"),
  ],
  [
    "an environment for the broker",
    {},
    { MILLRACE_NATS_URL: "nats://b", MILLRACE_ENV: "prod" },
    nats("nats://b", "prod"),
  ],
  [
    "an empty variable as none",
    {},
    { MILLRACE_NATS_URL: "nats://b", MILLRACE_SECRET_KEY: "" },
    nats("nats://b"),
  ],
  [
    "credentials",
    { natsUrl: "nats://b", natsCredentials: "/a.creds" },
    {},
    { kind: "nats", url: "nats://b", env: "dev", credentialsFile: "/a.creds" },
  ],
];

const PROBLEMS: readonly [string, Configuration, Environment, RegExp][] = [
  ["nothing is set", {}, {}, /set MILLRACE_SECRET_KEY .* or MILLRACE_NATS_URL/],
  ["the key is missing", { baseURL: "https://x.test" }, {}, /set MILLRACE_SECRET_KEY/],
  ["the transport is unknown", {}, { MILLRACE_TRANSPORT: "smtp" }, /"http" or "nats", not "smtp"/],
  ["the broker is missing", { transport: "nats" }, {}, /set MILLRACE_NATS_URL/],
  [
    "configure() names both",
    { natsUrl: "nats://b", secretKey: "k" },
    {},
    /say which to use with transport/,
  ],
  ["the key is no key", { secretKey: "a\nb" }, {}, /no key has/],
  ["the address is no URL", { baseURL: "localhost:3030", secretKey: "k" }, {}, /must be a URL/],
  ["the environment is no name", { natsUrl: "nats://b", env: "a.b" }, {}, /not "a.b"/],
];

describe("chosen is", () => {
  it.each(CHOICES)("%s", (_what, configured, environment, connection) => {
    expect(chooseConnection(configured, environment)).toEqual(connection);
  });
});

describe("refused, saying what to set, when", () => {
  it.each(PROBLEMS)("%s", (_what, configured, environment, message) => {
    const choose = (): Connection => chooseConnection(configured, environment);
    expect(choose).toThrow(message);
    expect(choose).toThrow(ConfigurationError);
  });
});
