import { defineProject } from "vitest/config";
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  test: { name: "deploy/docker", include: ["test/**/*.test.ts"] },
});
