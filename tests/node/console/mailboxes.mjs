// The mailboxes, live.

import assert from "node:assert/strict";

import { choose, enterToken, inPage, rpc } from "./browser.mjs";

inPage("mailboxes are shown to callers with a token", {}, async (page) => {
  await page.getByText("shown to callers with a valid token").first().waitFor();
  assert.equal(await page.locator(".row:visible").count(), 0);
  await enterToken(page);
  await page.getByText("live", { exact: true }).waitFor();
  await page.locator('.row[data-mailbox="kitchen.cook"]').waitFor();
  assert.equal(await page.locator(".row").count(), 11, "those of both services");
});

inPage("a flooded mailbox stands out, and tells what became of its calls", {}, async (page) => {
  await enterToken(page);
  const row = page.locator('.row[data-mailbox="kitchen.cook"]');
  await row.and(page.locator('[data-state="idle"]')).waitFor();
  await choose(page, "kitchen.season");

  // One call cooks, eight wait, and there is no room for the others. If all came at once, only
  // eight would find room, unless the first one has left the mailbox by then.
  const calls = [rpc("kitchen.cook")];
  await row.and(page.locator('[data-state="running"]')).waitFor();
  calls.push(...Array.from({ length: 19 }, () => rpc("kitchen.cook")));
  await row.and(page.locator('[data-state="flooded"]')).waitFor();
  assert.match(await row.innerText(), /flooded/, "in words");
  assert.equal(await row.locator(".row-state svg").count(), 1, "and by a picture");
  await row.getByText("8 waiting, of  / 8").or(row.locator(".row-depth", { hasText: "8" })).first().waitFor();
  await page.getByRole("status").getByText("Flooded: kitchen.cook").waitFor();
  await page.locator('[data-method="kitchen.cook"] .state', { hasText: "flooded" }).waitFor();

  await page.locator("#alert").getByRole("link", { name: "kitchen.cook" }).click();
  await page.locator("h1", { hasText: "cook" }).waitFor();
  const mailbox = page.getByRole("region", { name: "Mailbox", exact: true });
  await mailbox.locator(".depth", { hasText: "8 of 8 waiting" }).waitFor();
  assert.equal(await mailbox.locator('[data-figure="running"] dd').innerText(), "1");
  assert.equal(await mailbox.locator('[data-figure="full"] dd').innerText(), "11");
  await page.waitForFunction(() => {
    const bar = document.querySelector("#mailbox .fill");
    return bar.getBoundingClientRect().width > 0.99 * bar.parentElement.getBoundingClientRect().width;
  });

  await rpc("kitchen.serve", [20]);
  const answers = await Promise.all(calls);
  assert.equal(answers.filter((answer) => answer.error?.code === -32000).length, 11);
  await row.and(page.locator('[data-state="idle"]')).waitFor();
  await mailbox.locator('[data-figure="answered"] dd', { hasText: "9" }).waitFor();
  await mailbox.locator('[data-times="wait"] td', { hasText: /s$/ }).first().waitFor();
  assert.match(await mailbox.locator('[data-times="run"]').innerText(), /9$/);
  assert.equal(await page.locator("#alert").innerText(), "", "the alarm is over");
});

inPage("a token that is not good shows no mailboxes and breaks nothing", {}, async (page) => {
  await enterToken(page, "wrong");
  await page.getByText("This token may not see the mailboxes.").first().waitFor();
  assert.equal(await page.locator(".row:visible").count(), 0);
  await enterToken(page);
  await page.getByText("live", { exact: true }).waitFor();
  await page.locator(".row:visible").first().waitFor();
});
