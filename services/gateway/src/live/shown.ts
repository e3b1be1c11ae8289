/** A run as it was at a place of the log, in the forms that somebody wants. */
import {
  realtimeColumns,
  realtimeRow,
  viewOf,
  type LiveRun,
  type RealtimeColumn,
} from "@millrace/proto";

/** Columns of a row; undefined: the run's view. */
export type Form = readonly RealtimeColumn[] | undefined;

type Wanted = {
  readonly as?: "run" | "row" | undefined;
  readonly skipColumns?: readonly string[] | undefined;
};

export function formOf({ as, skipColumns = [] }: Wanted): Form {
  return as === "row" ? realtimeColumns(skipColumns) : undefined;
}

/** Each form's text is made once, however many are told. */
export class Shown {
  readonly #run: LiveRun;
  readonly #texts = new Map<string, string>();

  constructor(run: LiveRun) {
    this.#run = run;
  }

  get runId(): string {
    return this.#run.id;
  }

  get seq(): number {
    return this.#run.lastSeq;
  }

  get isOver(): boolean {
    return this.#run.status === "finished";
  }

  /** The message to a subscription. */
  message(id: string, form: Form): string {
    const begin = `"id":${JSON.stringify(id)},"seq":${this.seq}`;
    return form
      ? `{"type":"row",${begin},"row":${this.#text(form)}}`
      : `{"type":"run",${begin},"run":${this.#text(form)}}`;
  }

  #text(form: Form): string {
    const name = form ? form.join() : "";
    const made = this.#texts.get(name);
    if (made !== undefined) return made;
    const text = JSON.stringify(form ? realtimeRow(this.#run, form) : viewOf(this.#run));
    this.#texts.set(name, text);
    return text;
  }
}
