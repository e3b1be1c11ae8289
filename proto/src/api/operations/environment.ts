/** What belongs to an environment: its variables, and the versions that are served in it. */
import {
  deploymentListQuerySchema,
  deploymentListSchema,
  deploymentSchema,
} from "../deployments.ts";
import {
  changedEnvVarSchema,
  createEnvVarBodySchema,
  envVarListSchema,
  envVarSchema,
  importEnvVarsBodySchema,
  updateEnvVarBodySchema,
} from "../envvars.ts";
import { SECRET_KEY, type Operation } from "./operation.ts";

const ALL = "/api/v1/projects/:ref/envvars/:slug";
const ONE = `${ALL}/:name`;
const VARIABLE = { tag: "Environment variables", credentials: SECRET_KEY } as const;

const changed = { 200: { description: "It is done.", schema: changedEnvVarSchema } };

export const ENVIRONMENT_OPERATIONS: readonly Operation[] = [
  {
    ...VARIABLE,
    method: "GET",
    route: ALL,
    id: "listEnvVars",
    summary: "List variables",
    description: "Secret values are not shown.",
    answers: { 200: { description: "All of them.", schema: envVarListSchema } },
  },
  {
    ...VARIABLE,
    method: "POST",
    route: ALL,
    id: "createEnvVar",
    summary: "Set a variable",
    description: "Runs whose process starts from now on have it.",
    body: { schema: createEnvVarBodySchema },
    answers: changed,
  },
  {
    ...VARIABLE,
    method: "POST",
    route: `${ALL}/import`,
    id: "importEnvVars",
    summary: "Set several variables",
    body: { schema: importEnvVarsBodySchema },
    answers: changed,
    errors: ["ENVVAR_EXISTS", "UNSUPPORTED_OPTION"],
  },
  {
    ...VARIABLE,
    method: "GET",
    route: ONE,
    id: "retrieveEnvVar",
    summary: "Look at a variable",
    answers: { 200: { description: "The variable.", schema: envVarSchema } },
    errors: ["ENVVAR_NOT_FOUND"],
  },
  {
    ...VARIABLE,
    method: "PUT",
    route: ONE,
    id: "updateEnvVar",
    summary: "Change a variable",
    body: { schema: updateEnvVarBodySchema },
    answers: changed,
    errors: ["ENVVAR_NOT_FOUND"],
  },
  {
    ...VARIABLE,
    method: "DELETE",
    route: ONE,
    id: "deleteEnvVar",
    summary: "Delete a variable",
    answers: changed,
    errors: ["ENVVAR_NOT_FOUND"],
  },
  {
    method: "GET",
    route: "/api/v1/deployments",
    id: "listDeployments",
    tag: "Deployments",
    summary: "List the versions that agents serve",
    description: "The newest first. A version is deployed while an agent serves it.",
    credentials: SECRET_KEY,
    query: deploymentListQuerySchema,
    answers: { 200: { description: "A page of versions.", schema: deploymentListSchema } },
  },
  {
    method: "GET",
    route: "/api/v1/deployments/current",
    id: "retrieveCurrentDeployment",
    tag: "Deployments",
    summary: "Look at the newest version that is served",
    credentials: SECRET_KEY,
    answers: { 200: { description: "The version.", schema: deploymentSchema } },
    errors: ["DEPLOYMENT_NOT_FOUND"],
  },
];
