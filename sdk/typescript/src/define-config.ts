/** `defineConfig()`: what `trigger.config.ts` says about all tasks and the processes they run in. */
import type { LogRecord, Preset, RetrySettings } from "@millrace/proto";
import { hooksOf, isHookName } from "./lifecycle/define-hooks.ts";
import type { LifecycleHooks } from "./lifecycle/hook-types.ts";
import { HOOK_NAMES } from "./lifecycle/hooks.ts";
import { presetOf, type MachineOption } from "./machine.ts";
import { defineGlobalHook, setConfig, type DefinedConfig } from "./registry.ts";
import { machineProblem, retryProblem, ttlProblem } from "./task-options.ts";
import type { Untyped } from "./untyped.ts";

type ConfigHooks = Pick<
  LifecycleHooks,
  "init" | "onStart" | "onSuccess" | "onFailure" | "handleError" | "middleware" | "cleanup"
>;

export type LogLevel = NonNullable<DefinedConfig["logLevel"]>;

export type TriggerConfig = ConfigHooks & {
  readonly project?: string;
  /** Folders of task files, relative to the configuration's. */
  readonly dirs?: readonly string[];
  readonly ignorePatterns?: readonly string[];
  readonly tsconfig?: string;
  readonly runtime?: string;
  readonly retries?: {
    /** Whether failed attempts are tried again in development, too. Default true. */
    readonly enabledInDev?: boolean;
    /** For tasks without settings of their own. */
    readonly default?: RetrySettings;
  };
  /** For tasks that name none. Default `small-1x`. */
  readonly machine?: MachineOption;
  /** The older name of `machine`. */
  readonly defaultMachine?: MachineOption;
  /** Seconds an attempt may take, for tasks that say nothing. */
  readonly maxDuration?: number;
  readonly ttl?: string | number;
  /** The least severe level `logger` keeps. Default: all of them. */
  readonly logLevel?: LogLevel;
  readonly enableConsoleLogging?: boolean;
  readonly disableConsoleInterceptor?: boolean;
  readonly processKeepAlive?: boolean | Readonly<Record<string, unknown>>;
  readonly telemetry?: Readonly<Record<string, Untyped>>;
  readonly instrumentations?: readonly Untyped[];
  readonly build?: Readonly<Record<string, Untyped>>;
  readonly deploy?: Readonly<Record<string, unknown>>;
  readonly extraCACerts?: string;
  readonly compatibilityFlags?: readonly string[];
  readonly features?: readonly string[];
  readonly legacyDevProcessCwdBehaviour?: boolean;
};

/** `none`: v4 has it, and it changes nothing here; an agent that reads it says so. */
const FIELDS: {
  readonly [Name in Exclude<keyof TriggerConfig, keyof ConfigHooks>]-?: "works" | "none";
} = {
  project: "works",
  dirs: "works",
  ignorePatterns: "works",
  tsconfig: "none",
  runtime: "none",
  retries: "works",
  machine: "works",
  defaultMachine: "works",
  maxDuration: "works",
  ttl: "works",
  logLevel: "works",
  enableConsoleLogging: "none",
  disableConsoleInterceptor: "none",
  processKeepAlive: "none",
  telemetry: "none",
  instrumentations: "none",
  build: "none",
  deploy: "none",
  extraCACerts: "none",
  compatibilityFlags: "none",
  features: "none",
  legacyDevProcessCwdBehaviour: "none",
};

const LOG_LEVELS: readonly string[] = [
  "none",
  "error",
  "warn",
  "log",
  "info",
  "debug",
] satisfies readonly (LogRecord["level"] | "none")[];

/**
 * Says what counts for all tasks that do not say it themselves. Hooks in it come before those registered later.
 * @returns what it was given
 * @throws Error naming the field that is unusable or unknown
 */
export function defineConfig<T extends TriggerConfig>(config: T): T {
  const problem = configProblem(config);
  if (problem !== undefined) throw new Error(`defineConfig(): ${problem}`);
  setConfig(definedOf(config));
  const hooks = hooksOf(config);
  for (const name of HOOK_NAMES)
    for (const hook of hooks?.[name] ?? []) defineGlobalHook(name, hook);
  return config;
}

function definedOf(config: TriggerConfig): DefinedConfig {
  const { project, dirs, ignorePatterns, retries, maxDuration, ttl, logLevel } = config;
  const machine = presetOfConfig(config);
  return {
    ...(project === undefined ? {} : { project }),
    ...(dirs === undefined ? {} : { dirs }),
    ...(ignorePatterns === undefined ? {} : { ignorePatterns }),
    ...(retries === undefined ? {} : { retries }),
    ...(machine === undefined ? {} : { machine }),
    ...(maxDuration === undefined ? {} : { maxDuration }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(logLevel === undefined ? {} : { logLevel }),
    withoutEffect: Object.entries(FIELDS).flatMap(([name, effect]) =>
      effect === "none" && config[name as keyof TriggerConfig] !== undefined ? [name] : [],
    ),
    written: { ...config },
  };
}

function presetOfConfig({ machine, defaultMachine }: TriggerConfig): Preset | undefined {
  const option = machine ?? defaultMachine;
  return option === undefined ? undefined : presetOf(option);
}

function configProblem(config: TriggerConfig): string | undefined {
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined) continue;
    if (isHookName(name)) {
      if (typeof value !== "function") return `${name} must be a function`;
    } else if (!Object.hasOwn(FIELDS, name)) {
      return `field "${name}" is not known`;
    }
  }
  const { retries, machine, defaultMachine, maxDuration, ttl, logLevel } = config;
  const machines = [machine, defaultMachine].flatMap((option) => option ?? []);
  return (
    (retries?.default && retryProblem(retries.default)) ??
    machines.map(machineProblem).find((problem) => problem !== undefined) ??
    (ttl === undefined ? undefined : ttlProblem(ttl)) ??
    durationProblem(maxDuration) ??
    (logLevel === undefined || LOG_LEVELS.includes(logLevel)
      ? undefined
      : `logLevel is one of ${LOG_LEVELS.join(", ")}, not ${JSON.stringify(logLevel)}`)
  );
}

function durationProblem(seconds: number | undefined): string | undefined {
  return seconds === undefined || (Number.isInteger(seconds) && seconds > 0)
    ? undefined
    : `maxDuration is a whole number of seconds, not ${JSON.stringify(seconds)}`;
}
