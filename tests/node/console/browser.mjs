// A browser with the console in it, for the tests beside this file.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

// Unlike `import` it looks where NODE_PATH says.
const { chromium } = createRequire(import.meta.url)("playwright-core");

export const url = process.env.CALLBOX_URL;
export const TOKEN = "hello_world";

let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
});

after(() => browser?.close());

/// A test with a page of its own. Any line in the console of the page is a failure, also a
/// violation of the policy, unless it matches `tolerates`.
export function inPage(name, options, body) {
  const { path = "/console", base = url, tolerates = null, timeout = 600_000, ...context } = options;
  test(name, { timeout }, async () => {
    const session = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...context });
    const page = await session.newPage();
    const [said, failed] = [[], []];
    // Machines may be busy; nothing here waits for a time to pass.
    page.setDefaultTimeout(120_000);
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.stack));
    page.on("requestfailed", (request) => failed.push(`${request.method()} ${request.url()}: ${request.failure().errorText}`));
    try {
      await page.goto(base + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await body(page);
      assert.deepEqual(said.filter((line) => !tolerates?.test(line)), [], "the page's console says nothing");
    } catch (error) {
      const shown = await page.locator("body").innerText().catch(() => "nothing");
      console.error([...said, ...failed, shown].join("\n"));
      throw error;
    } finally {
      await session.close();
    }
  });
}

/// Chooses a method from the list.
export async function choose(page, name) {
  await page.locator(`[data-method="${name}"]`).click();
  await page.locator("h1", { hasText: name.split(".").at(-1) }).waitFor();
}

export async function enterToken(page, token = TOKEN) {
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Use", exact: true }).click();
}

/// The field of a parameter, by its name.
export function member(page, name) {
  return page.locator(`.member[data-member="${name}"]`);
}

/// Presses the button, and waits for the answer. Gives what its status line says, and its text.
export async function call(page) {
  // From here on the page waits for the answer, and says so.
  await page.getByRole("button", { name: "Call", exact: true }).click();
  return answer(page);
}

export async function answer(page) {
  await page.locator('.answer:not([data-outcome="waiting"])').waitFor();
  const status = (await page.locator(".answer-status").innerText()).replace(/\s+/g, " ");
  const text = await page.locator(".answer-text").textContent();
  return { status, json: text === "" ? null : JSON.parse(text), text };
}

/// The request as the page shows it.
export async function request(page) {
  return JSON.parse(await page.locator("#request-text").textContent());
}

/// Calls a method beside the page.
export async function rpc(method, params) {
  const response = await fetch(`${url}/api`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", method, params, id: 1 }),
  });
  return response.json();
}
