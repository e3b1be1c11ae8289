/** The roles of the broker's users, and the form of what each may do. */

/** Who connects. `client`: a user's app. `admin`: the command line, which makes keys and looks at everything. */
export type BrokerRole =
  | { readonly kind: "coordinator" | "scheduler" | "gateway" | "admin" }
  | { readonly kind: "client"; readonly env: string }
  /** `pools`: those its agents serve, as `poolOf` names them. */
  | { readonly kind: "agent"; readonly env: string; readonly pools: readonly string[] };

export type Permissions = {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
};
