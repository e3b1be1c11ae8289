import { defineProject } from "vitest/config";
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: { name: "deploy/docker", maxWorkers: 3, include: ["test/**/*.test.ts"] },
});
