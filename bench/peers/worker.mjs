/** `node worker.mjs <peer> <url> <concurrency> [options]`: a peer's worker in a process of its own, and what it has done. */
const [peer, url, concurrency, options = "{}"] = process.argv.slice(2);
const { work } = await import(`./${peer}.mjs`);

const now = () => performance.timeOrigin + performance.now();

let ended = 0;
let joined = 0;
/** Milliseconds from the time in a job's payload to its first line. */
let latencies = [];

const stop = await work(
  url,
  Number(concurrency),
  {
    run: ({ at }) => {
      const startedAt = now();
      if (at > 0) latencies.push(startedAt - at);
      return null;
    },
    ended: () => {
      ended++;
    },
    joined: () => {
      joined++;
      return null;
    },
  },
  JSON.parse(options),
);

process.on("message", (question) => {
  if (question === "counts") process.send({ ended, joined });
  else if (question === "latencies") {
    process.send({ latencies });
    latencies = [];
  }
});
process.on("disconnect", () => {
  void stop().then(() => process.exit(0));
});
process.send("ready");
