import { defineProject } from "vitest/config";
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: {
    maxWorkers: 3,
    globalSetup: "test/say-what-is-skipped.ts",
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
