/** The command line: what it does not understand it says in one line, and how it is used. */
/** Ends the process with 2 when `parse` throws: there is an option it does not know. */
export function readOptions<T>(parse: () => T, usage: string): T {
  try {
    return parse();
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error), usage);
  }
}

/** @param text of the option `name`: a whole number, not negative */
export function wholeNumber(text: string, name: string, usage: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return misused(`--${name} takes a whole number, not "${text}"`, usage);
}

export function misused(problem: string, usage: string): never {
  process.stderr.write(`${problem}\n${usage}\n`);
  process.exit(2);
}
