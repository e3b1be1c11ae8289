/** Snippets that are not here, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "000-07": "not yet: needs the React hooks",
  "001-01": "never: the pattern that its document itself says not to use",
  "001-39": "never: a shell command",
  "001-40": "not yet: needs the React hooks",
  "001-41": "not yet: needs the React hooks",
  "001-42": "not yet: needs the React hooks",
  "001-43": "not yet: needs the React hooks",
  "001-44": "not yet: needs the React hooks",
  "001-45": "not yet: needs the React hooks",
  "001-46": "not yet: needs the React hooks",
};
