import { branchEnvironment } from "@millrace/proto";
import { describe, expect, it } from "vitest";
import { chooseConnection, type Configuration, type Connection } from "../src/config.ts";
import { ConfigurationError } from "../src/errors.ts";

type Environment = Parameters<typeof chooseConnection>[1];

const http = (baseUrl: string, secretKey: string): Connection => ({
  kind: "http",
  baseUrl,
  secretKey,
});
const nats = (url: string, env = "dev"): Connection => ({ kind: "nats", url, env, access: {} });

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
    {
      kind: "nats",
      url: "nats://b",
      env: "dev",
      access: { MILLRACE_NATS_CREDENTIALS: "/a.creds" },
    },
  ],
  [
    "a key of the environment's, and its authority",
    { natsUrl: "tls://b" },
    { MILLRACE_NATS_NKEY_FILE: "/seed", MILLRACE_NATS_TLS_CA: "/ca.pem" },
    {
      kind: "nats",
      url: "tls://b",
      env: "dev",
      access: { MILLRACE_NATS_NKEY_FILE: "/seed", MILLRACE_NATS_TLS_CA: "/ca.pem" },
    },
  ],
  [
    "configured credentials instead of the environment's, with its certificates",
    { natsUrl: "tls://b", nats: { user: "ada", password: "secret" } },
    { MILLRACE_NATS_NKEY: "SU", MILLRACE_NATS_TLS_CA: "/ca.pem" },
    {
      kind: "nats",
      url: "tls://b",
      env: "dev",
      access: {
        MILLRACE_NATS_USER: "ada",
        MILLRACE_NATS_PASSWORD: "secret",
        MILLRACE_NATS_TLS_CA: "/ca.pem",
      },
    },
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

describe("a preview branch", () => {
  const key = "tr_preview_k";
  const chosen = (configured: Configuration, environment: Environment): Connection =>
    chooseConnection(configured, environment);

  it("goes with a preview key, under v4's names, too", () => {
    const withBranch = (branch: string): Connection =>
      ({ ...http(LOCAL, key), branch }) as Connection;
    const own = { MILLRACE_SECRET_KEY: key };
    expect(chosen({ previewBranch: "a" }, own)).toEqual(withBranch("a"));
    for (const name of ["MILLRACE_BRANCH", "TRIGGER_PREVIEW_BRANCH", "VERCEL_GIT_COMMIT_REF"])
      expect(chosen({}, { ...own, [name]: "b" })).toEqual(withBranch("b"));
  });

  it("means nothing to another key", () => {
    const environment = { MILLRACE_SECRET_KEY: "tr_prod_k", VERCEL_GIT_COMMIT_REF: "main" };
    expect(chosen({}, environment)).toEqual(http(LOCAL, "tr_prod_k"));
  });

  it("is an environment of its own where the broker is asked", () => {
    const environment = { MILLRACE_NATS_URL: "nats://b", MILLRACE_ENV: "preview" };
    expect(chosen({ previewBranch: "a/b" }, environment)).toEqual(
      nats("nats://b", branchEnvironment("a/b")),
    );
  });

  it("is missed at once, and must be one", () => {
    const missing = /MILLRACE_BRANCH or TRIGGER_PREVIEW_BRANCH/;
    expect(() => chosen({ secretKey: key }, {})).toThrow(missing);
    expect(() => chosen({ secretKey: key, previewBranch: "ü" }, {})).toThrow(missing);
    expect(() => chosen({ natsUrl: "nats://b", env: "preview" }, {})).toThrow(missing);
  });
});
