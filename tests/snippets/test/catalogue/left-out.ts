/** Snippets that are not here, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "001-01": "never: the pattern that its document itself says not to use",
  "001-39": "never: a shell command",
  "001-43": "not yet: a page of a framework's router",
  "001-44": "not yet: a server action of a framework",
  "001-45": "not yet: a page of a framework's router",
};
