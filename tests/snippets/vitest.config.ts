import { join } from "node:path";
import { defineProject } from "vitest/config";

const here = import.meta.dirname;
export default defineProject({
  ssr: { resolve: { conditions: ["@millrace/source"] } },
  resolve: {
    alias: [
      { find: /^@trigger\.dev\/sdk(\/v3)?$/, replacement: "@millrace/sdk" },
      { find: /^@trigger\.dev\/react-hooks$/, replacement: "@millrace/react" },
      { find: /^openai$/, replacement: join(here, "stand-ins/openai.ts") },
      { find: /^ai$/, replacement: join(here, "stand-ins/ai.ts") },
      { find: /^~\//, replacement: `${join(here, "snippets")}/` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // It starts a whole system with many agents: alone, after everything else.
    maxWorkers: 3,
    maxConcurrency: 24,
    sequence: { groupOrder: 1 },
  },
});
