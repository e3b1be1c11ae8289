import { runs } from "@trigger.dev/sdk/v3";
import type { myTask, STREAMS } from "./001-37.ts";
export async function follow(runId: string) {
// #region snippet
for await (const part of runs.subscribeToRun<typeof myTask>(runId).withStreams<STREAMS>()) {
switch (part.type) {
case "run": {
console.log("Received run", part.run);
break;
}
case "openai": {
console.log("Received OpenAI chunk", part.chunk);
break;
}
}
}
// #endregion
}
