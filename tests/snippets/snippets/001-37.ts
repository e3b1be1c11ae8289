import { openai } from "../stand-ins/openai.ts";
// #region snippet
import { task, metadata } from "@trigger.dev/sdk/v3";
import OpenAI from "openai";
export type STREAMS = {
openai: OpenAI.ChatCompletionChunk;
};
export const myTask = task({
id: "my-task",
run: async (payload: { prompt: string }) => {
const completion = await openai.chat.completions.create({
messages: [{ role: "user", content: payload.prompt }],
model: "gpt-3.5-turbo",
stream: true,
});
// Register the stream with the key "openai"
const stream = await metadata.stream("openai", completion);
let text = "";
for await (const chunk of stream) {
text += chunk.choices.map((choice) => choice.delta?.content).join("");
}
return { text };
},
});
// #endregion
