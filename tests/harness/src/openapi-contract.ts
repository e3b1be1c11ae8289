/** An OpenAPI document as a judge: whether requests that were accepted, and all answers, are as it says. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

type Media = Readonly<Record<string, { readonly schema?: object }>>;
type DocumentedOperation = {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Media };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
};
type Response = { readonly content?: Media };
export type OpenApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly responses?: Readonly<Record<string, Response>> };
};

/** One request and its answer. Bodies are undefined where they are no JSON, or were not kept. */
export type Exchange = {
  readonly method: string;
  /** As it was sent: encoded, with its query. */
  readonly url: string;
  readonly sent?: string | undefined;
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly received?: string | undefined;
};

type Route = {
  readonly method: string;
  readonly path: string;
  readonly pattern: RegExp;
  readonly parameters: number;
  readonly operation: DocumentedOperation;
};

const NO_BODY = new Set([101, 204, 304]);

export class OpenApiContract {
  readonly #routes: readonly Route[];
  readonly #shared: Readonly<Record<string, Response>>;
  /** Requests may have fields nobody knows; answers have those of the document and no others. */
  readonly #requests: Validators;
  readonly #answers: Validators;

  constructor(document: OpenApiDocument) {
    this.#routes = routesOf(document);
    this.#shared = document.components.responses ?? {};
    this.#requests = new Validators(document);
    this.#answers = new Validators(closed(document) as OpenApiDocument);
  }

  /** What is wrong with it; and which operation it was of, if of any. */
  judge(exchange: Exchange): { readonly operation?: string; readonly problems: readonly string[] } {
    const { method, url, status } = exchange;
    const path = url.split("?", 1)[0] ?? "";
    const route = this.#routes.find(
      (each) => each.method === method.toLowerCase() && each.pattern.test(path),
    );
    if (!route) {
      const isRefused = method === "OPTIONS" || status >= 400;
      return { problems: isRefused ? [] : ["is answered, and not in the document"] };
    }
    const { operation } = route;
    const problems = [...this.#answerProblems(route, exchange)];
    const content = operation.requestBody?.content ?? {};
    if (status < 300 && exchange.sent && content["application/json"]?.schema) {
      const at = ["paths", route.path, route.method, "requestBody", "content", "application/json"];
      problems.push(...this.#requests.problems(at, exchange.sent, "was accepted: "));
    }
    return { operation: operation.operationId, problems };
  }

  #answerProblems(route: Route, exchange: Exchange): readonly string[] {
    const { method, status, contentType, received } = exchange;
    const found = route.operation.responses[String(status)];
    const name = found && "$ref" in found ? found.$ref.split("/").at(-1) : undefined;
    const response = name === undefined ? (found as Response | undefined) : this.#shared[name];
    if (!response) return ["has a status that is not documented"];
    if (method === "HEAD" || NO_BODY.has(status)) return [];
    const type = contentType?.split(";", 1)[0] ?? "nothing";
    const { content = {} } = response;
    const documented = content[type] ? type : "*/*";
    if (!content[documented]) return [`is of the type ${type}, which is not documented`];
    if (received === undefined || !content[documented].schema) return [];
    const at =
      name === undefined
        ? ["paths", route.path, route.method, "responses", String(status)]
        : ["components", "responses", name];
    return this.#answers.problems([...at, "content", documented], received, "");
  }
}

/** Compiled as they are needed. */
class Validators {
  readonly #ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    allErrors: true,
    formats: {
      "date-time": (text: string) => /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text),
      date: /^\d{4}-\d\d-\d\d$/,
      uri: (text: string) => URL.canParse(text),
    },
  });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.#ajv.addSchema(document, "document");
  }

  /** @param at the place of a media type in the document */
  problems(at: readonly string[], text: string, prefix: string): readonly string[] {
    const pointer = [...at, "schema"].map(escaped).join("/");
    let validate = this.#compiled.get(pointer);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: `document#/${pointer}` });
      this.#compiled.set(pointer, validate);
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return [`${prefix}is no JSON`];
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${prefix}${instancePath || "/"} ${message} ${JSON.stringify(params)}`,
    );
  }
}

/** A key of a JSON pointer in a URL's fragment. */
function escaped(key: string): string {
  return encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** Those with the fewest parameters first, as a router chooses. */
function routesOf({ paths }: OpenApiDocument): readonly Route[] {
  const routes = Object.entries(paths).flatMap(([path, operations]) => {
    const pattern = path
      .replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&")
      .replace(/\{path\}$/, ".+")
      .replaceAll(/\{\w+\}/g, "[^/]+");
    const parameters = path.split("{").length - 1;
    return Object.entries(operations).map(([method, operation]) => ({
      method,
      path,
      pattern: new RegExp(`^${pattern}$`),
      parameters,
      operation,
    }));
  });
  return routes.toSorted((a, b) => a.parameters - b.parameters);
}

/** The document, where objects have the properties it names and no others. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const all = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, closed(item)]));
  const isOpen =
    all["type"] === "object" && all["properties"] && all["additionalProperties"] === undefined;
  return isOpen ? { ...all, additionalProperties: false } : all;
}
