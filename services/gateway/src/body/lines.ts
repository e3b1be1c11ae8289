/** A body of lines, each read when it is complete; one that is too long is cut, not kept. */

export type Line = {
  /** Without the line's end. Of a line that is too long: its beginning. */
  readonly text: string;
  readonly isTooLong: boolean;
};

/** What is kept of a line that is too long: enough to say which it was. */
const BEGINNING_BYTES = 16 * 1024;
const LINE_FEED = 0x0a;

/** The lines that have something in them. A last line may lack its end. */
export async function* linesOf(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let isTooLong = false;

  const add = (part: Buffer): void => {
    if (isTooLong) return;
    parts.push(part);
    length += part.length;
    if (length <= maxBytes) return;
    isTooLong = true;
    parts = [Buffer.concat(parts).subarray(0, BEGINNING_BYTES)];
  };
  const take = (): Line | undefined => {
    const line = { text: Buffer.concat(parts).toString("utf8").trim(), isTooLong };
    parts = [];
    length = 0;
    isTooLong = false;
    return line.text === "" ? undefined : line;
  };

  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      add(chunk.subarray(from, end));
      from = end + 1;
      const line = take();
      if (line) yield line;
    }
    add(chunk.subarray(from));
  }
  const last = take();
  if (last) yield last;
}
