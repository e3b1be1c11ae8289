import type { TriggerConfig } from "@trigger.dev/sdk/v3";
export const config: TriggerConfig = {
// #region snippet
runtime: "node", // or "bun" (experimental)
// #endregion
};
