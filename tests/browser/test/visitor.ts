/** Somebody who looks at a page: what is shown to them, what they have seen, where their browser went. */
import { until } from "@millrace/harness";
import type { Seen } from "../page/seen.ts";
import type { Browser, BrowserContext, Page } from "playwright-core";

const PATIENCE_MS = 30_000;

export class Visitor {
  /** Where requests went. */
  readonly origins = new Set<string>();
  /** What the page could not cope with. */
  readonly errors: string[] = [];
  readonly context: BrowserContext;
  readonly page: Page;

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on("request", (request) => {
      const { origin } = new URL(request.url());
      if (origin !== "null") this.origins.add(origin);
    });
    page.on("websocket", (socket) => {
      this.origins.add(new URL(socket.url().replace(/^ws/, "http")).origin);
    });
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async open(browser: Browser, url: string): Promise<Visitor> {
    const context = await browser.newContext();
    const page = await context.newPage();
    const visitor = new Visitor(context, page);
    await page.goto(url);
    return visitor;
  }

  async click(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button }).click();
  }

  /** The text of a part of the page; "" while it is not there. */
  async text(part: string): Promise<string> {
    const found = this.page.getByTestId(part);
    return (await found.count()) > 0 ? ((await found.textContent()) ?? "") : "";
  }

  async alert(): Promise<string> {
    return (await this.page.getByRole("alert").allTextContents()).join("\n");
  }

  async lines(): Promise<string[]> {
    return await this.page.locator("li").allTextContents();
  }

  /** All that was shown of the run. */
  async seen(): Promise<Seen> {
    return await this.page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
  }

  /** Waits until the page shows it; fails saying what it shows instead. */
  async sees(what: string, isShown: () => Promise<boolean>): Promise<void> {
    await until(what, isShown, PATIENCE_MS).catch(async (error: unknown) => {
      const shown = await this.page.locator("body").innerText();
      throw new Error(`${String(error)}\nThe page shows:\n${shown}\n${this.errors.join("\n")}`);
    });
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
