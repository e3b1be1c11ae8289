/** The document of the API: a valid one, about exactly the routes there are, with the credentials they ask for. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { OpenApiContract } from "@millrace/harness";
import { OPERATIONS, type LiveRun, type Operation } from "@millrace/proto";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApiDocument, type OpenApiDocument } from "../src/openapi/document.ts";
import { ROUTE_ACCESS } from "../src/security/route-access.ts";
import { startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;
let document: OpenApiDocument;
const registered: string[] = [];

beforeAll(async () => {
  const onApp = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook("onRoute", ({ method, url }) => {
      for (const each of [method].flat()) registered.push(`${each} ${url}`);
    });
  };
  subscribe("fastify.initialization", onApp);
  gateway = await startGateway();
  unsubscribe("fastify.initialization", onApp);
  document = (await (await gateway.fetch("/openapi.json")).json()) as OpenApiDocument;
});
afterAll(async () => {
  await gateway.stop();
});

const routeOf = ({ method, route }: Operation): string => `${method} ${route}`;

type Documented = OpenApiDocument["paths"][string][string];

function documentedOperations(): ReadonlyMap<string, Documented> {
  return new Map(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    ),
  );
}

describe("the document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    // Every reference leads somewhere.
    expect(() => validator.resolveRefs()).not.toThrow();
  });

  it("is about every registered route, and about no other", () => {
    const paths = registered.map((route) =>
      route.replaceAll(/:(\w+)/g, "{$1}").replace("*", "{path}"),
    );
    expect([...documentedOperations().keys()].toSorted()).toEqual(paths.toSorted());
    expect(OPERATIONS.map(routeOf).toSorted()).toEqual(registered.toSorted());
  });

  it("names every operation once, and describes every parameter of a path", () => {
    const ids = [...documentedOperations().values()].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const undescribed = [...documentedOperations()].filter(([, { parameters = [] }]) =>
      parameters.some((each) => each.in === "path" && !each.description),
    );
    expect(undescribed.map(([route]) => route)).toEqual([]);
  });

  it("says under which address the gateway is reached, where it knows", () => {
    expect(openApiDocument(undefined).servers).toEqual([{ url: "/" }]);
    const configured = openApiDocument("https://api.example.com/");
    expect(configured.servers).toEqual([{ url: "https://api.example.com" }]);
  });
});

describe("credentials", () => {
  it("of public tokens open the routes of the table, and no others", () => {
    const opened = OPERATIONS.filter(({ credentials }) => credentials.by === "token");
    expect(opened.map(routeOf).toSorted()).toEqual(Object.keys(ROUTE_ACCESS).toSorted());
  });

  it.each(OPERATIONS.filter(({ credentials }) => credentials.by === "token"))(
    "of $method $route are the scopes that the gateway asks for",
    async (operation) => {
      const { credentials } = operation;
      if (credentials.by !== "token") return;
      const access = ROUTE_ACCESS[routeOf(operation)];
      if (!access) throw new Error("not in the table");
      expect(credentials.usesUp === true).toBe(["use", "items"].includes(access.oneTime));
      const scopes: string[] = [];
      for await (const alternative of access.alternatives(REQUEST, { run: async () => RUN }))
        for (const { action, type, id } of alternative)
          scopes.push(id === undefined ? `${action}:${type}` : `${action}:${type}:${id}`);
      expect([...credentials.scopes].toSorted()).toEqual([...new Set(scopes)].toSorted());
      const documented = documentedOperations().get(
        routeOf(operation)
          .replaceAll(/:(\w+)/g, "{$1}")
          .replace("*", "{path}"),
      );
      expect(documented?.security).toEqual([
        { secretKey: [] },
        ...(scopes.length === 0
          ? [{ publicToken: [] }]
          : credentials.scopes.map((scope) => ({ publicToken: [scope] }))),
      ]);
    },
  );

  it("are asked for by every route that is not open, and by no other", async () => {
    const missing = async (operation: Operation): Promise<boolean> => {
      const response = await gateway.fetch(operation.route, {
        method: operation.method,
        headers: {},
      });
      const text = await response.text();
      return response.status === 401 && (text === "" || text.includes("Missing API key"));
    };
    for (const operation of OPERATIONS) {
      const isClosed = operation.credentials.by !== "anyone";
      expect([routeOf(operation), await missing(operation)]).toEqual([
        routeOf(operation),
        isClosed,
      ]);
    }
  });
});

/** A request and a run that are made of the names of their parts. */
const REQUEST = {
  env: "dev",
  params: new Proxy({}, { get: (_, name) => `{${String(name)}}` }),
  query: { "filter[taskIdentifier]": "{taskId}", tags: "{tag}" },
  body: JSON.stringify({ taskIdentifiers: ["{taskId}"], items: [{ task: "{taskId}" }] }),
} as unknown as FastifyRequest;

const RUN = {
  trigger: { taskId: "{taskId}", batchId: "{batchId}" },
  tags: ["{tag}"],
} as unknown as LiveRun;

describe("what holds answers against the document", () => {
  const view = {
    id: "batch_1",
    status: "COMPLETED",
    createdAt: "2026-11-22T00:00:00.000Z",
    updatedAt: "2026-11-22T00:00:00.000Z",
    runCount: 1,
    runs: ["run_1"],
    processing: { errors: [] },
  };
  const judged = (received: unknown, status = 200, contentType = "application/json"): string =>
    new OpenApiContract(document)
      .judge({
        method: "GET",
        url: "/api/v2/batches/batch_1?a=b",
        status,
        contentType,
        received: JSON.stringify(received),
      })
      .problems.join("; ");

  it("finds fields that are missing, wrong or not in it, and statuses and types", () => {
    expect(judged(view)).toBe("");
    expect(judged({ ...view, runs: undefined })).toMatch("required property 'runs'");
    expect(judged({ ...view, status: "DONE" })).toMatch("/status must be equal to one of");
    expect(judged({ ...view, createdAt: "today" })).toMatch("/createdAt must match format");
    expect(judged({ ...view, colour: "red" })).toMatch("colour");
    expect(judged({ ...view, processing: { errors: [], size: 1 } })).toMatch("size");
    expect(judged(view, 201)).toBe("has a status that is not documented");
    expect(judged(view, 200, "text/plain")).toMatch("text/plain");
    expect(judged({ error: "gone", code: "BATCH_NOT_FOUND" }, 404)).toBe("");
    expect(judged({ error: "gone", code: "RUN_NOT_FOUND" }, 404)).toMatch("/code");
  });

  it("finds requests that were accepted, and answers of routes, that are not in it", () => {
    const contract = new OpenApiContract(document);
    const sent = JSON.stringify({ options: { maxAttempts: "two" } });
    const triggered = {
      method: "POST",
      url: "/api/v1/tasks/a%2Fb/trigger",
      sent,
      status: 200,
      contentType: "application/json; charset=utf-8",
      received: JSON.stringify({ id: "run_1", isCached: false }),
    };
    expect(contract.judge(triggered)).toEqual({
      operation: "triggerTask",
      problems: [expect.stringContaining("was accepted: /options/maxAttempts")],
    });
    const unknown = { method: "GET", url: "/api/v9/runs", status: 200 };
    expect(contract.judge(unknown).problems).toHaveLength(1);
    expect(contract.judge({ ...unknown, status: 404 }).problems).toEqual([]);
  });
});

describe("the page", () => {
  it("is made of parts of its own, and asks nobody else", async () => {
    const page = await gateway.fetch("/docs", { headers: {} });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|sandbox|unsafe-/);
    expect(page.headers.get("x-frame-options")).toBe("DENY");

    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\/|<script>| on\w+=/);
    const parts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      const response = await fetch(new URL(part, page.url));
      expect([part, response.status]).toEqual([part, 200]);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      // What is no page keeps the policy of everything else.
      expect(response.headers.get("content-security-policy")).toContain("sandbox");
      await response.arrayBuffer();
    }
    const start = await (await gateway.fetch("/docs/initializer.js", { headers: {} })).text();
    expect(start).toContain('"openapi.json"');
  });

  it("has no other parts", async () => {
    for (const path of ["/docs/index.js", "/docs/..%2f..%2fpackage.json", "/docs/"]) {
      const response = await gateway.fetch(path, { headers: {} });
      expect([path, response.status]).toEqual([path, 404]);
    }
    const posted = await gateway.fetch("/openapi.json", { method: "POST", headers: {} });
    expect(posted.status).toBe(404);
  });
});
