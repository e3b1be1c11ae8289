/**
 * Runs in line, by concurrency key: every key gets its turn, whatever another key has in line.
 *
 * Turns are taken in rounds. In a round each key is served at most once, and keys go by the order of their best runs.
 * A key that comes to the line while a round is under way belongs to the next one, unless its run goes before the one
 * that was served last: so a head start counts at once, and those in line are not overtaken for ever by newcomers.
 *
 * 1. Joining, leaving and taking cost a logarithm of the key's own line and of the keys that may be served.
 * 2. A key nobody waits for is forgotten (`KeyTable`). A key that is set aside costs nothing until it is let back in.
 */
import type { Queued } from "@millrace/proto";
import { Heap } from "@millrace/service-kit";
import { KeyTable } from "./key-table.ts";
import { isBefore, WaitingLine, type Place } from "./waiting-line.ts";

type Member = {
  readonly key: string;
  readonly line: WaitingLine;
  round: number;
  aside: boolean;
  /** Its place in the order of turns; an earlier one does not count. */
  turn: Turn | undefined;
};

type Turn = { readonly member: Member; readonly place: Place; readonly round: number };

export class FairLine {
  readonly #members = new KeyTable<Member>(
    (key) => ({ key, line: new WaitingLine(), round: 0, aside: false, turn: undefined }),
    (member) => member.line.size === 0,
  );
  readonly #memberOf = new Map<string, Member>();
  readonly #turns = new Heap<Turn>((a, b) =>
    a.round === b.round ? isBefore(a.place, b.place) : a.round < b.round,
  );
  #served: Turn | undefined;

  get size(): number {
    return this.#memberOf.size;
  }

  hasKey(key: string): boolean {
    return (this.#members.get(key)?.line.size ?? 0) > 0;
  }

  join(key: string, run: Queued): void {
    const member = this.#members.of(key);
    member.line.join(run);
    this.#memberOf.set(run.id, member);
    this.#takeTurn(member);
  }

  /** Whether it was in line. */
  leave(runId: string): boolean {
    const member = this.#memberOf.get(runId);
    if (!member) return false;
    this.#memberOf.delete(runId);
    member.line.leave(runId);
    this.#takeTurn(member);
    return true;
  }

  /** Whose turn it is, among the keys that are not set aside. */
  peek(): { readonly key: string; readonly run: Queued } | undefined {
    const turn = this.#turn();
    return turn && { key: turn.member.key, run: turn.place.run };
  }

  /** Takes the run whose turn it is out of the line. */
  next(): Queued | undefined {
    const turn = this.#turn();
    if (!turn) return undefined;
    const { member, round } = turn;
    this.#turns.pop();
    this.#served = turn;
    const run = this.#take(member);
    member.round = round + 1;
    member.turn = undefined;
    this.#takeTurn(member);
    return run;
  }

  /** The key is not served until it is let back in, or nobody waits for it any more. */
  setAside(key: string): void {
    const member = this.#members.get(key);
    // One that is about to be forgotten would be set aside or not by chance.
    if (!member || member.line.size === 0) return;
    member.aside = true;
    member.turn = undefined;
  }

  letIn(key: string): void {
    const member = this.#members.get(key);
    if (!member?.aside) return;
    member.aside = false;
    this.#takeTurn(member);
  }

  letAllIn(): void {
    for (const { key } of this.#members.values()) this.letIn(key);
  }

  /** Takes everyone of a key out of the line, best first. */
  empty(key: string): Queued[] {
    const member = this.#members.get(key);
    const runs: Queued[] = [];
    while (member && member.line.size > 0) runs.push(this.#take(member));
    if (member) this.#takeTurn(member);
    return runs;
  }

  /** Takes everyone out of the line, by turns. */
  emptyAll(): Queued[] {
    this.letAllIn();
    const runs: Queued[] = [];
    for (let run = this.next(); run; run = this.next()) runs.push(run);
    return runs;
  }

  #take(member: Member): Queued {
    const run = member.line.next() as Queued;
    this.#memberOf.delete(run.id);
    return run;
  }

  #turn(): Turn | undefined {
    for (;;) {
      const turn = this.#turns.peek();
      if (!turn || turn.member.turn === turn) return turn;
      this.#turns.pop();
    }
  }

  /** Its best run may have changed: the turn is that run's. */
  #takeTurn(member: Member): void {
    const place = member.line.peek();
    if (!place) {
      member.turn = undefined;
      member.aside = false;
      this.#members.idle(member.key);
      return;
    }
    if (member.aside || member.turn?.place === place) return;
    // A better run takes the turn its key has already.
    if (!member.turn) member.round = Math.max(member.round, this.#roundFor(place));
    member.turn = { member, place, round: member.round };
    this.#turns.push(member.turn);
  }

  #roundFor(place: Place): number {
    if (!this.#served) return 0;
    const { round } = this.#served;
    return isBefore(place, this.#served.place) ? round : round + 1;
  }
}
