import type { Durability } from "@millrace/broker";

/** What the user asked for; `arguments.mjs` reads it. Paths are absolute. */
export type Options = {
  /** Exit after the demo, with its status. */
  readonly once: boolean;
  /** The tasks to serve; null: the demo's, and run it. */
  readonly tasksDir: string | null;
  /** The gateway's; 0: any free one; null: the default, or the next free one. */
  readonly port: number | null;
  readonly dataDir: string;
  /** Of the broker it starts; null: MILLRACE_DURABILITY, or the default. */
  readonly durability: Durability | null;
};
