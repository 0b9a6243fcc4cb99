// A server that checks no tokens.

import assert from "node:assert/strict";

import { call, inPage } from "./browser.mjs";

inPage("there is no place for a token, and the mailboxes are there at once", {}, async (page) => {
  await page.getByText("live", { exact: true }).waitFor();
  await page.locator('.row[data-mailbox="ping"]').waitFor();
  assert.equal(await page.getByLabel("Token", { exact: true }).isVisible(), false);
  assert.equal((await call(page)).json.result, null);
  await page.locator('[data-figure="answered"] dd', { hasText: /^1$/ }).waitFor();
});
