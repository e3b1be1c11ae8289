import { expect, test } from "vitest";
import { Terminal, type Output } from "../src/terminal.ts";

/** A stream that keeps what is written to it, and a clock that is set by hand. */
function recorded(stream: Partial<Output>, env: Record<string, string> = {}) {
  let written = "";
  let nowMs = 0;
  const output: Output = { ...stream, write: (text: string) => (written += text) };
  return {
    terminal: new Terminal(output, env, () => nowMs),
    written: () => written,
    wait: (ms: number) => void (nowMs += ms),
  };
}

test("on a terminal progress is rewritten in place, and lines are printed above it", () => {
  const { terminal, written } = recorded({ isTTY: true, columns: 20 });
  terminal.progress("1/2");
  terminal.progress("2/2");
  terminal.line("hello");
  terminal.endProgress();
  terminal.line("bye");
  expect(written()).toBe("1/2\r\u001B[2K2/2\r\u001B[2Khello\n2/2\r\u001B[2Kbye\n");
});

test("progress is cut to the terminal's width", () => {
  const { terminal, written } = recorded({ isTTY: true, columns: 5 });
  terminal.progress("123456789");
  expect(written()).toBe("1234");
});

test("elsewhere progress is a line at most every second", () => {
  const { terminal, written, wait } = recorded({});
  terminal.progress("0 %");
  wait(999);
  terminal.progress("50 %");
  wait(1);
  terminal.progress("60 %");
  terminal.endProgress();
  terminal.progress("0 % of the next");
  expect(written()).toBe("0 %\n60 %\n0 % of the next\n");
});

test.each<[string, Partial<Output>, Record<string, string>, boolean]>([
  ["a terminal", { isTTY: true }, {}, true],
  ["a terminal with NO_COLOR", { isTTY: true }, { NO_COLOR: "1" }, false],
  ["a dumb terminal", { isTTY: true }, { TERM: "dumb" }, false],
  ["a pipe", {}, {}, false],
])("colours on %s", (_, stream, env, coloured) => {
  const { style } = recorded(stream, env).terminal;
  expect(style.bold("x") !== "x").toBe(coloured);
  expect(style.red("x") !== "x").toBe(coloured);
});
