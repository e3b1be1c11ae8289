// #region snippet
import { defineConfig } from "@trigger.dev/sdk";

export default defineConfig({
  project: "<project-ref>",
  dirs: ["./src/trigger"],
  runtime: "node",  // "node" | "node-22" | "bun"
  logLevel: "info",
  maxDuration: 300,  // seconds
  retries: {
    enabledInDev: true,
    default: { maxAttempts: 3, factor: 2, minTimeoutInMs: 1000, maxTimeoutInMs: 60000, randomize: true },
  },
  build: { external: ["sharp", "sqlite3"], autoDetectExternal: true },
});
// #endregion
