/** What kind an environment is: known by its name. And how branches become environments. */
import { fnv1a } from "./wire/ids.ts";

export const ENVIRONMENT_TYPES = ["PRODUCTION", "STAGING", "DEVELOPMENT", "PREVIEW"] as const;
export type EnvironmentType = (typeof ENVIRONMENT_TYPES)[number];

const BY_NAME: Readonly<Record<string, EnvironmentType>> = {
  dev: "DEVELOPMENT",
  development: "DEVELOPMENT",
  staging: "STAGING",
  preview: "PREVIEW",
};

/** An environment of any other name is one of production. */
export function environmentType(env: string): EnvironmentType {
  const name = keyEnvironment(env);
  return Object.hasOwn(BY_NAME, name) ? (BY_NAME[name] ?? "PRODUCTION") : "PRODUCTION";
}

/** Its keys open an environment for each branch, and none without one. */
export const PREVIEW = "preview";
const OF_A_BRANCH = /^preview-[A-Za-z0-9_-]*-[0-9a-f]{16}$/;
const BRANCH = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
const READABLE_LENGTH = 32;

/** What is wrong with a branch's name; undefined: nothing. */
export function branchProblem(branch: string): string | undefined {
  return BRANCH.test(branch)
    ? undefined
    : "a branch's name has 1 to 255 printable ASCII characters, the first and last no space";
}

/**
 * The environment of a preview branch, `preview-<what is readable of it>-<16 hex digits>`: a token of subjects, whatever the
 * branch is called. The digits are of the whole name: `a/b` and `a-b` are two environments.
 */
export function branchEnvironment(branch: string): string {
  const readable = branch.replaceAll(/[^A-Za-z0-9_]+/g, "-").slice(0, READABLE_LENGTH);
  const hash = [0, 1].map((n) => fnv1a(`${n} ${branch}`).toString(16).padStart(8, "0"));
  return `${PREVIEW}-${readable}-${hash.join("")}`;
}

/** The environment whose keys open this one: a branch's have none of their own. */
export function keyEnvironment(env: string): string {
  return OF_A_BRANCH.test(env) ? PREVIEW : env;
}

const KEY_NAMES: Readonly<Record<EnvironmentType, string>> = {
  PRODUCTION: "prod",
  STAGING: "stg",
  DEVELOPMENT: "dev",
  PREVIEW: "preview",
};

/** How secret keys of an environment begin: `tr_dev_`, `tr_stg_`, `tr_prod_`, `tr_preview_`. */
export function keyPrefix(env: string): string {
  return `tr_${KEY_NAMES[environmentType(env)]}_`;
}
