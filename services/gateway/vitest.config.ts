import { defineProject } from "vitest/config";

export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: { maxWorkers: 3, include: ["test/**/*.test.ts"], testTimeout: 20_000, hookTimeout: 60_000 },
});
