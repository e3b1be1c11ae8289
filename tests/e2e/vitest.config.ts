import { defineProject } from "vitest/config";
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each file starts whole systems and kills them: after everything else, three at a time.
    maxWorkers: 3,
    sequence: { groupOrder: 1 },
  },
});
