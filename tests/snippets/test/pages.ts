/** Snippets of a reader's pages, rendered, and what they come to on the platform. */
import { TriggerAuthContext, type TriggerAuth } from "@millrace/react";
import { Window } from "happy-dom";
import { createElement, useContext, type FunctionComponent, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, vi } from "vitest";
import type { Env } from "./catalogue/snippet.ts";
import type { Platform } from "./platform.ts";
import { fileOf } from "./regions.ts";

type Page = (here: { readonly platform: Platform; readonly env: Env }) => Promise<void>;

/** A snippet's component. What its types say is checked where it is. */
type Component = FunctionComponent<Readonly<Record<string, unknown>>>;

async function load(id: string, name: string): Promise<Component> {
  const exported = (await import(fileOf(id))) as Readonly<Record<string, Component>>;
  return exported[name] as Component;
}

type Server = {
  readonly startRun: () => Promise<void>;
  readonly default: (props: unknown) => Promise<ReactNode>;
};

/** What a framework executes on its server. */
async function server(id: string): Promise<Server> {
  return (await import(fileOf(id))) as Server;
}

/** The run of the task "example" that `action` triggers. */
async function exampleOf(
  platform: Platform,
  env: Env,
  action: () => Promise<void>,
): Promise<string> {
  const ids = (): string[] => platform.of(env, "example").map(({ id }) => id);
  const before = new Set(ids());
  await action();
  return await vi.waitFor(() => {
    const [fresh] = ids().filter((id) => !before.has(id));
    if (fresh === undefined) throw new Error("Nothing was triggered");
    return fresh;
  }, 10_000);
}

function scopesOf(token: string): unknown {
  const [, claims = ""] = token.split(".");
  return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { scopes: unknown }).scopes;
}

/** In a DOM without a browser; requests stay Node's own. */
async function mount(
  page: ReactNode,
  auth: TriggerAuth,
  use: (body: Window["document"]["body"]) => Promise<void>,
): Promise<void> {
  const window = new Window();
  const { document, navigator } = window;
  vi.stubGlobal("window", window);
  vi.stubGlobal("document", document);
  vi.stubGlobal("navigator", navigator);
  // It looks for a DOM when it is loaded.
  const { createRoot } = await import("react-dom/client");
  const root = createRoot(document.body as unknown as Element);
  try {
    root.render(createElement(TriggerAuthContext.Provider, { value: auth }, page));
    await use(document.body);
  } finally {
    root.unmount();
    // React ends what it has begun.
    await new Promise((resolve) => setTimeout(resolve, 50));
    vi.unstubAllGlobals();
  }
}

export const PAGES: Readonly<Record<string, Page>> = {
  "000-07": async ({ platform, env }) => {
    const TriggerButton = await load("000-07", "TriggerButton");
    const auth = await platform.publicAuth(env, "trigger:tasks:my-task");
    const before = new Set(platform.of(env, "my-task").map(({ id }) => id));
    const { accessToken } = auth;
    await mount(createElement(TriggerButton, { accessToken }), auth, async (body) => {
      const button = await vi.waitFor(() => {
        const found = body.querySelector("button");
        if (!found) throw new Error("No button");
        return found;
      });
      expect(button.textContent).toBe("Trigger Task");
      button.click();
      const made = await vi.waitFor(() => {
        const [run] = platform.of(env, "my-task").filter(({ id }) => !before.has(id));
        if (!run) throw new Error("No run");
        return run;
      }, 10_000);
      expect(made.trigger.payload.data).toBe('{"data":"from frontend"}');
      await platform.ended(made.id);
    });
  },
  "001-40": async () => {
    const MyComponent = await load("001-40", "MyComponent");
    const props = { runId: "run_1", publicAccessToken: "token" };
    expect(renderToStaticMarkup(createElement(MyComponent, props))).toBe("");
  },
  "001-41": async () => {
    const SetupTrigger = await load("001-41", "SetupTrigger");
    const page = createElement(SetupTrigger, { publicAccessToken: "token" });
    expect(renderToStaticMarkup(page)).toBe("<p>token</p>");
  },
  "001-42": async () => {
    const TriggerProvider = await load("001-42", "TriggerProvider");
    const Shown = (): ReactNode => useContext(TriggerAuthContext)?.accessToken;
    const page = createElement(TriggerProvider, { accessToken: "token" }, createElement(Shown));
    expect(renderToStaticMarkup(page)).toBe("token");
  },
  "001-43": async ({ platform, env }) => {
    const { startRun } = await server("001-43");
    const run = await exampleOf(platform, env, startRun);
    const { cookies } = await import("../stand-ins/router.ts");
    const token = cookies().get("publicAccessToken") ?? "";
    expect(scopesOf(token)).toEqual([`read:runs:${run}`]);
    const RunPage = await load("001-43", "default");
    const page = createElement(RunPage, { params: { id: run } });
    expect(renderToStaticMarkup(page)).toBe(`${run} with ${token}`);
  },
  "001-44": async ({ platform, env }) => {
    const { startRun } = await server("001-44");
    const run = await exampleOf(platform, env, startRun);
    const { redirections } = await import("../stand-ins/router.ts");
    const [path, token = ""] = redirections.at(-1)?.split("?publicAccessToken=") ?? [];
    expect(path).toBe(`/runs/${run}`);
    expect(scopesOf(token)).toEqual([`read:runs:${run}`]);
  },
  "001-45": async () => {
    const { default: RunPage } = await server("001-45");
    const shown = renderToStaticMarkup(await RunPage({ params: { id: "run_1" } }));
    expect(shown).toMatch(/^run_1 with /);
    expect(scopesOf(shown.slice("run_1 with ".length))).toEqual(["read:runs:run_1"]);
  },
  "001-46": async ({ platform, env }) => {
    const MyComponent = await load("001-46", "MyComponent");
    const runId = await platform.trigger(env, "my-task", { some: "data" });
    const auth = await platform.publicAuth(env, `read:runs:${runId}`);
    const page = createElement(MyComponent, { runId });
    const Provider = TriggerAuthContext.Provider;
    const first = renderToStaticMarkup(createElement(Provider, { value: auth }, page));
    expect(first).toBe("<div>Loading...</div>");
    await mount(page, auth, async (body) => {
      await vi.waitFor(() => expect(body.textContent).toBe(`Run: ${runId}`), 10_000);
    });
    await platform.ended(runId);
  },
};
