// #region snippet
import { auth } from "@trigger.dev/sdk/v3";
const publicToken = await auth.createPublicToken({
scopes: {
read: {
runs: ["run_1234"],
},
},
});
// #endregion
export { publicToken };
