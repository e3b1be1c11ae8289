/** What kind an environment is: known by its name. */

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
  return Object.hasOwn(BY_NAME, env) ? (BY_NAME[env] ?? "PRODUCTION") : "PRODUCTION";
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
