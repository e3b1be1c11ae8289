/**
 * A value whose type only the author of the code knows, where `unknown` would make sound code not compile: an error
 * that was thrown, a payload nobody annotated, metadata that was read. v4's code relies on it.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type Untyped = any;
