/** The browser: Debian's, since the protocol it is driven by does not care which build it is. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const BINARY = "/usr/bin/chromium";
/** Nothing of its own on the network, no GPU, and no sandbox, which root does not get. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * In a profile of its own, which is removed when it is closed.
 * @throws when it is not installed, saying how to install it
 */
export async function launchChromium(): Promise<Browser> {
  if (!existsSync(BINARY))
    throw new Error(
      `The browser tests need ${BINARY}: apt-get update && apt-get install -y --no-install-recommends chromium`,
    );
  return await chromium.launch({ executablePath: BINARY, args: ARGUMENTS });
}
