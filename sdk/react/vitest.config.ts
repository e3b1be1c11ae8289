import { defineProject } from "vitest/config";

export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: {
    maxWorkers: 3,
    // Longer than the tests' own patience, which says what did not come.
    testTimeout: 60_000,
    include: ["test/**/*.test.ts"],
  },
});
