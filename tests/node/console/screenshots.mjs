// Takes pictures of the console while somebody rings the guestbook's bell much too often.
// `bash tests/node/console/take-screenshots` runs it.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const url = process.env.CONSOLE;
const endpoint = new URL("/api", url);
const picture = (name) => fileURLToPath(new URL(`./screenshots/${name}.png`, import.meta.url));

const rpc = (method, params) => fetch(endpoint, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ jsonrpc: "2.0", method, params, id: 1 }),
}).then((response) => response.json());

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });

async function open(hash, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 920 }, reducedMotion: "reduce", ...options });
  await page.goto(`${url}#/${hash}`);
  await page.getByLabel("Token", { exact: true }).fill("hello_world");
  await page.keyboard.press("Enter");
  await page.locator(".row").first().waitFor();
  return page;
}

async function shoot(page, name) {
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: picture(name) });
}

// Both themes see the same flood.
const pages = await Promise.all(["light", "dark"].map(async (colorScheme) => [colorScheme, await open("ring", { colorScheme })]));
const began = Date.now();
const visitors = setInterval(() => {
  rpc("count");
  rpc("entries", { limit: 5 });
  const wave = Date.now() - began;
  const rings = wave < 8000 ? 2 : wave < 16_000 ? 3 : 9;
  Array.from({ length: rings }, () => rpc("ring"));
}, 100);
for (const [colorScheme, page] of pages) {
  await page.locator('#mailbox[data-state="flooded"] [data-figure="full"]:not(.zero)').waitFor({ timeout: 60_000 });
  // So that the curve has a past.
  await page.waitForFunction(() => document.querySelector("#mailbox .line").getAttribute("d").split("L").length > 30, null, { timeout: 60_000 });
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.locator(".answer:not([data-outcome=waiting])").waitFor();
  await shoot(page, `flood-${colorScheme}`);
}
clearInterval(visitors);
await browser.close();
