import { defineProject } from "vitest/config";
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Files that start whole systems: alone, after everything else.
    maxWorkers: 3,
    sequence: { groupOrder: 1 },
  },
});
