/** This very document. */
import { z } from "zod";
import { ANYONE, type Operation } from "./operation.ts";

const tag = "Documentation";

export const DOCUMENTATION_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    route: "/openapi.json",
    id: "readOpenApiDocument",
    tag,
    summary: "Read this document",
    credentials: ANYONE,
    answers: {
      200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) },
    },
  },
  {
    method: "GET",
    route: "/docs",
    id: "browseDocument",
    tag,
    summary: "Browse this document",
    credentials: ANYONE,
    answers: { 200: { description: "A page.", type: "text/html" } },
  },
  {
    method: "GET",
    route: "/docs/:file",
    id: "readDocumentPart",
    tag,
    summary: "Read a part of the page",
    credentials: ANYONE,
    answers: { 200: { description: "A script or a style sheet.", type: "*/*" } },
    errors: ["ROUTE_NOT_FOUND"],
  },
];
