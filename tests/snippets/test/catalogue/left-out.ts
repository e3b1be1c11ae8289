/** Snippets that are not here, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "001-01": "never: the pattern that its document itself says not to use",
  "001-39": "never: a shell command",
};
