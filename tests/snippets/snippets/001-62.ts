import type { TriggerConfig } from "@trigger.dev/sdk/v3";
export const config: TriggerConfig = {
// #region snippet
maxDuration: 60, // 60 seconds
// #endregion
};
