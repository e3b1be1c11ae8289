/**
 * The page that shows the document: Swagger UI as its Fastify plugin ships it, and what starts it. The plugin itself is
 * not used: it shows documents that are made of routes' own schemas. Nothing of the page comes from elsewhere.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Relative, so that it works behind a proxy that puts the gateway under a path of its own. */
export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Millrace API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <link rel="icon" href="docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/initializer.js"></script>
  </body>
</html>
`;

const INITIALIZER = `SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
`;

/**
 * Scripts and styles from here alone. Swagger UI has its icons as data in its style sheet; it asks the gateway and nobody
 * else.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Where a part of the page is: a text of ours, or a file. */
export type Part = { readonly type: string } & (
  | { readonly text: string }
  | { readonly file: string }
);

const require = createRequire(import.meta.url);
const SHIPPED = join(dirname(require.resolve("@fastify/swagger-ui")), "static");

const JAVASCRIPT = "text/javascript; charset=utf-8";

export const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ["initializer.js", { type: JAVASCRIPT, text: INITIALIZER }],
  ["swagger-ui-bundle.js", { type: JAVASCRIPT, file: join(SHIPPED, "swagger-ui-bundle.js") }],
  ["swagger-ui.css", { type: "text/css; charset=utf-8", file: join(SHIPPED, "swagger-ui.css") }],
  ["favicon-32x32.png", { type: "image/png", file: join(SHIPPED, "favicon-32x32.png") }],
]);
