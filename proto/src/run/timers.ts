/** Names of a run's durable timers. */
export const TIMER = {
  delay: "delay",
  ttl: "ttl",
  retry: "retry",
  wait: (index: number): string => `wait-${index}`,
} as const;
