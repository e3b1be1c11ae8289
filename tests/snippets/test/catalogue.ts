/** What became of every snippet of the documents. */
import { DOCUMENT_0 } from "./catalogue/document-0.ts";
import { DOCUMENT_1_TASKS } from "./catalogue/document-1-tasks.ts";
import { DOCUMENT_1_FEATURES } from "./catalogue/document-1-features.ts";
import { DOCUMENT_2 } from "./catalogue/document-2.ts";
import { DOCUMENT_3 } from "./catalogue/document-3.ts";
import { DOCUMENT_4 } from "./catalogue/document-4.ts";
import type { Snippet } from "./catalogue/snippet.ts";

export const SNIPPETS: readonly Snippet[] = [
  ...DOCUMENT_0,
  ...DOCUMENT_1_TASKS,
  ...DOCUMENT_1_FEATURES,
  ...DOCUMENT_2,
  ...DOCUMENT_3,
  ...DOCUMENT_4,
];
