/** As much of a library for language models as snippets use. */
export const openai = (model: string) => ({ model });

export function streamText({ prompt }: { model: { model: string }; prompt: string }) {
  async function* parts() {
    for (const text of prompt.split(" ")) yield { type: "text-delta", text };
  }
  return { fullStream: parts() };
}
