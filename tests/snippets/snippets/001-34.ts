import { metadata, task } from "@trigger.dev/sdk/v3";
// #region snippet
import { z } from "zod";
const Metadata = z.object({
user: z.object({
name: z.string(),
id: z.string(),
}),
date: z.coerce.date(),
});
function getMetadata() {
return Metadata.parse(metadata.current());
}
// #endregion
export const typed = task({ id: "typed-metadata", run: async () => getMetadata() });
