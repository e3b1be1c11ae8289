/** Remembers what the page shows, from now on, as the global `seen`. */
import type { Seen } from "./seen.ts";

export function rememberWhatIsShown(): void {
  const seen: Seen = { statuses: [], progress: [], mostLines: 0 };
  Object.assign(globalThis, { seen });
  new MutationObserver(() => {
    note(seen.statuses, part("status")?.textContent);
    const progress = part("progress")?.getAttribute("value");
    if (typeof progress === "string") note(seen.progress, Number(progress));
    seen.mostLines = Math.max(seen.mostLines, document.querySelectorAll("li").length);
  }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}

function part(name: string): Element | null {
  return document.querySelector(`[data-testid=${name}]`);
}

function note<T>(values: T[], value: T | null | undefined): void {
  if (value !== undefined && value !== null && values.at(-1) !== value) values.push(value);
}
