/** The services on the web that snippets call: one that is overloaded at first, and one that has a file. */
const actual = globalThis.fetch;
let calls = 0;

const answers: Readonly<Record<string, () => Response>> = {
  "api.example.com": () => new Response("{}", { status: calls++ === 0 ? 503 : 200 }),
  "s3.amazonaws.com": () => Response.json([1, 2, 3]),
};

globalThis.fetch = async (input, init) => {
  const { host } = new URL(input instanceof Request ? input.url : input);
  return (await answers[host]?.()) ?? (await actual(input, init));
};
