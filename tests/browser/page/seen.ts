/** What a visitor has been shown of a run, in order: what a page shows at its end says little about how it came there. */
export type Seen = {
  readonly statuses: string[];
  readonly progress: number[];
  mostLines: number;
};
