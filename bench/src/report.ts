/** The benchmark's output: a table for people, JSON for machines. */
import type { Yardstick } from "./yardstick.ts";

export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The goal as this run's yardstick puts it; absent for figures without one. */
  readonly goal?: {
    readonly bound: number;
    readonly kind: "at least" | "at most";
    readonly rule: string;
  };
};

/** How long something takes half of the time, and nearly always, which is what the goal is about. */
export function durations(
  name: string,
  msAt: (percentile: number) => number,
  goal: NonNullable<Figure["goal"]>,
): Figure[] {
  return [
    { name: `${name}, p50`, value: msAt(50), unit: "ms" },
    { name: `${name}, p99`, value: msAt(99), unit: "ms", goal },
  ];
}

export function reached(figure: Figure): boolean | undefined {
  if (!figure.goal) return undefined;
  const { kind, bound } = figure.goal;
  return kind === "at least" ? figure.value >= bound : figure.value <= bound;
}

export function table(yardstick: Yardstick | undefined, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { goal } = figure;
    const verdict = { true: "reached", false: "NOT reached", undefined: "" }[
      String(reached(figure)) as "true" | "false" | "undefined"
    ];
    return [
      figure.name,
      `${format(figure.value)} ${figure.unit}`,
      goal ? `${goal.kind} ${format(goal.bound)} (${goal.rule})` : "",
      verdict,
    ];
  });
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  if (!yardstick) return lines.join("\n");
  return [
    `Y = ${format(yardstick.publishesPerSecond)} pipelined publishes/s of 200 bytes, R = ${yardstick.roundTripMs.toFixed(3)} ms for a single one`,
    "",
    ...lines,
  ].join("\n");
}

function format(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
