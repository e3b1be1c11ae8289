/** Operations on waitpoint tokens. */
import { z } from "zod";
import {
  completedTokenSchema,
  completeTokenBodySchema,
  createdTokenSchema,
  createTokenBodySchema,
  tokenListQuerySchema,
  tokenListSchema,
  tokenViewSchema,
} from "../waitpoints.ts";
import { ANYONE, HANDLE_TOKEN, orTokenOnce, SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Waitpoint tokens";
const ALL = "/api/v1/waitpoints/tokens";
const ONE = `${ALL}/:tokenId`;

const completed = { description: "It is complete.", schema: completedTokenSchema };

export const WAITPOINT_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: ALL,
    id: "createToken",
    tag,
    summary: "Make a token for runs to wait for",
    credentials: SECRET_KEY,
    body: { schema: createTokenBodySchema, isOptional: true },
    answers: {
      200: { description: "The token.", schema: createdTokenSchema, headers: HANDLE_TOKEN },
    },
    errors: ["INVALID_OPTION"],
  },
  {
    method: "GET",
    route: ALL,
    id: "listTokens",
    tag,
    summary: "List tokens, the newest first",
    credentials: SECRET_KEY,
    query: tokenListQuerySchema,
    answers: { 200: { description: "A page of tokens.", schema: tokenListSchema } },
    errors: ["INVALID_OPTION"],
  },
  {
    method: "GET",
    route: ONE,
    id: "retrieveToken",
    tag,
    summary: "Look at a token",
    credentials: SECRET_KEY,
    answers: { 200: { description: "The token.", schema: tokenViewSchema } },
    errors: ["TOKEN_NOT_FOUND"],
  },
  {
    method: "POST",
    route: `${ONE}/complete`,
    id: "completeToken",
    tag,
    summary: "Complete a token",
    description: "Whoever waits for it goes on with `data`. A complete token stays as it is.",
    credentials: orTokenOnce("write:waitpoints:{tokenId}"),
    body: { schema: completeTokenBodySchema, isOptional: true },
    answers: { 200: completed },
    errors: ["TOKEN_NOT_FOUND"],
  },
  {
    method: "POST",
    route: `${ONE}/callback/:hash`,
    id: "completeTokenByUrl",
    tag,
    summary: "Complete a token by its URL",
    description: "The URL is the permission. The body is the data itself.",
    credentials: ANYONE,
    body: { schema: z.unknown(), isOptional: true },
    answers: { 200: completed },
    errors: ["UNAUTHENTICATED", "TOKEN_NOT_FOUND"],
  },
];
