/** What must be true of every run afterwards, by its log and by the marks its code left outside of Millrace. */

/** How often the code of one attempt may begin: `flaky` fails its first one on purpose. */
const ATTEMPTS = { flaky: 2 };
/** Their code runs from the top again when their wait is over and their process is gone: only its end counts. */
const RESUMABLE = new Set(["napping", "asking", "family"]);

/**
 * @param runs `{ id, task, item, status, events }` of each run
 * @param marks lines `step item attempt`
 * @returns what is wrong, a line each
 */
export function problemsOf(runs, marks) {
  const counts = new Map();
  for (const line of marks) counts.set(line, (counts.get(line) ?? 0) + 1);
  return runs.flatMap((run) => [...ofLog(run), ...ofMarks(run, counts)]);
}

function ofLog({ id, task, status, events }) {
  const problems = [];
  const count = (type) => new Set(factsOf(events, type)).size;
  if (status !== "COMPLETED") problems.push(`${id} (${task}) is ${status}`);
  if (count("attempt-succeeded") !== 1)
    problems.push(`${id} (${task}) ended ${count("attempt-succeeded")} times`);
  const failed = (ATTEMPTS[task] ?? 1) - 1;
  if (count("attempt-failed") !== failed)
    problems.push(`${id} (${task}) failed ${count("attempt-failed")} times, not ${failed}`);
  return problems;
}

/**
 * How many facts are in the log twice, to the byte: whoever states one and is not answered, as the broker is restarted, states
 * it again. The fold counts it once (proto/src/run/SPEC.md, 14).
 */
export function repeatedFacts({ events }) {
  return ["attempt-succeeded", "attempt-failed"].reduce((sum, type) => {
    const facts = factsOf(events, type);
    return sum + facts.length - new Set(facts).size;
  }, 0);
}

function factsOf(events, type) {
  return events.filter((event) => event.type === type).map(({ data }) => JSON.stringify(data));
}

function ofMarks({ id, task, item }, counts) {
  const problems = [];
  const attempts = [...counts].filter(([line]) => line.split(" ")[1] === item);
  const ends = attempts.filter(([line]) => line.startsWith("end "));
  const endCount = ends.reduce((sum, [, count]) => sum + count, 0);
  if (endCount !== 1)
    problems.push(`${id} (${task}) came to the end of its code ${endCount} times`);
  const begins = attempts.filter(([line]) => line.startsWith("begin "));
  const beginCount = begins.reduce((sum, [, count]) => sum + count, 0);
  if (!RESUMABLE.has(task) && beginCount !== (ATTEMPTS[task] ?? 1))
    problems.push(`${id} (${task}) began ${beginCount} times`);
  return problems;
}
