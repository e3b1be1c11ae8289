import type { TriggerConfig } from "@trigger.dev/sdk/v3";
import { additionalFiles, additionalPackages, aptGet } from "../stand-ins/build.ts";
export const config: TriggerConfig = {
// #region snippet
build: {
external: ["header-generator"], // Don't bundle these packages
jsx: {
fragment: "Fragment",
factory: "h",
automatic: false,
},
conditions: ["react-server"], // Import conditions
extensions: [
// Build extensions
additionalFiles({ files: ["./assets/**", "./fonts/**"] }),
additionalPackages({ packages: ["wrangler"] }),
aptGet({ packages: ["ffmpeg"] }),
],
}
// #endregion
};
