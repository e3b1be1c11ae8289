/** Whoever is told what a subscription brings. */
import type { RunView } from "@millrace/proto";
import type { StreamReader } from "@millrace/sdk/internal";
import type { Pushed } from "../process/messages.ts";
import { refusalOf } from "./questions.ts";

export type Follower = StreamReader & { readonly onView: (view: RunView) => void };

/** Listens to nothing. */
export const IGNORED: Follower = {
  onView: () => undefined,
  onChunk: () => undefined,
  onEnd: () => undefined,
  onError: () => undefined,
};

export function deliver(item: Pushed, follower: Follower): void {
  switch (item.kind) {
    case "view":
      return follower.onView(item.view);
    case "chunk":
      return follower.onChunk({ index: item.index, data: item.data });
    case "end":
      return follower.onEnd();
    case "error":
      return follower.onError(refusalOf(item.error));
  }
}
