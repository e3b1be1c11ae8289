// #region snippet
// components/TriggerProvider.tsx
"use client";
import { TriggerAuthContext } from "@trigger.dev/react-hooks";
export function TriggerProvider({ accessToken, children }) {
return (
<TriggerAuthContext.Provider value={{ accessToken }}>
{children}
</TriggerAuthContext.Provider>
);
}
// #endregion
