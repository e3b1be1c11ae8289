/** Whether the service in this container is ready, as its exit status: what `HEALTHCHECK` runs. */
const port = process.env.MILLRACE_HEALTH_PORT ?? "8080";

const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
  signal: AbortSignal.timeout(4000),
}).catch((error) => error);
if (answer instanceof Error) console.error(`${answer.message}: ${answer.cause?.message ?? ""}`);
else console.log(await answer.text());
process.exit(answer.ok === true ? 0 : 1);
