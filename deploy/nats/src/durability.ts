/**
 * When what the broker has acknowledged is on the disk. A killed process loses nothing either way: the operating system
 * has it. A machine that loses power does.
 *
 * `fast`: at the latest two minutes later, the server's default. `strict`: before it is acknowledged.
 */
export const DURABILITIES = ["fast", "strict"] as const;
export type Durability = (typeof DURABILITIES)[number];
export const DEFAULT_DURABILITY: Durability = "fast";
