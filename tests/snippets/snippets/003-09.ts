import { metadata, task } from "@trigger.dev/sdk";
import { openai } from "../stand-ins/ai.ts";
export const progress = task({
  id: "progress",
  run: async ({ i, total }: { i: number; total: number }) => {
// #region snippet
// Progress updates (metadata limit: 256KB)
metadata.set({ status: "processing", progress: 0 });
metadata.set({ progress: Math.round(((i + 1) / total) * 100) });

// #endregion
  },
});
// #region snippet
// AI streaming
import { streamText } from "ai";
// #endregion
export const streaming = task({
  id: "ai-streaming",
  run: async ({ prompt }: { prompt: string }) => {
// #region snippet
const result = streamText({ model: openai("gpt-4o"), prompt });
const fullStream = await metadata.stream("llm", result.fullStream);
// #endregion
    const parts = [];
    for await (const part of fullStream) parts.push(part);
    return parts;
  },
});
