/**
 * Pages as users of v4's hooks write them, and what their visitor sees. Where they are, which one is shown and what its
 * backend gave it (tokens, ids) comes in the address.
 */
import { TriggerAuthContext } from "@trigger.dev/react-hooks";
import type { ComponentType } from "react";
import { createRoot } from "react-dom/client";
import { Approve } from "./approve.tsx";
import { FollowBatch, FollowTag } from "./follow-runs.tsx";
import { FollowRun } from "./follow-run.tsx";
import { Report } from "./report.tsx";
import { input } from "./input.ts";
import { rememberWhatIsShown } from "./remember.ts";

const PAGES: Readonly<Record<string, ComponentType>> = {
  approve: Approve,
  "follow-batch": FollowBatch,
  "follow-run": FollowRun,
  "follow-tag": FollowTag,
  report: Report,
};

rememberWhatIsShown();
const Page = PAGES[input("page")] ?? (() => <p>There is no such page</p>);
const root = document.createElement("main");
document.body.append(root);
createRoot(root).render(
  <TriggerAuthContext.Provider
    value={{ baseURL: input("gateway"), accessToken: input("accessToken") }}
  >
    <Page />
  </TriggerAuthContext.Provider>,
);
