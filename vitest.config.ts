import { defineConfig } from "vitest/config";
export default defineConfig({
  test: {
    globalSetup: "tests/harness/test/container-setup.ts",
    projects: [
      "proto",
      "sdk/*",
      "services/*",
      "deploy/nats",
      "deploy/docker",
      "bench",
      "tests/*",
      "examples/*",
    ].map((folder) => `${folder}/vitest.config.ts`),
  },
});
