import type { TriggerConfig } from "@trigger.dev/sdk/v3";
import { axiomExporter, OpenAIInstrumentation, PrismaInstrumentation } from "../stand-ins/build.ts";
export const config: TriggerConfig = {
// #region snippet
telemetry: {
instrumentations: [
new PrismaInstrumentation(),
new OpenAIInstrumentation()
],
exporters: [axiomExporter], // Optional custom exporters
},
// #endregion
};
