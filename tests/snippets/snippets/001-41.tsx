import { useContext } from "react";
function MyComponent() {
  return <p>{useContext(TriggerAuthContext)?.accessToken}</p>;
}
// #region snippet
import { TriggerAuthContext } from "@trigger.dev/react-hooks";
function SetupTrigger({ publicAccessToken }) {
return (
<TriggerAuthContext.Provider value={{ accessToken: publicAccessToken }}>
<MyComponent />
</TriggerAuthContext.Provider>
);
}
// #endregion
export { SetupTrigger };
