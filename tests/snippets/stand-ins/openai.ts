/** As much of a model's client as snippets use. */
type Chunk = { choices: { delta?: { content?: string } }[] };

// oxlint-disable-next-line typescript/no-namespace
declare namespace OpenAI {
  type ChatCompletionChunk = Chunk;
}
class OpenAI {
  readonly chat = {
    completions: {
      create: async (_request: {
        messages: { role: string; content: string }[];
        model: string;
        stream: true;
      }): Promise<AsyncIterable<Chunk>> => chunks(),
    },
  };
}
export default OpenAI;
export const openai = new OpenAI();

async function* chunks(): AsyncGenerator<Chunk> {
  for (const content of ["Once", " upon", " a time"]) yield { choices: [{ delta: { content } }] };
}
