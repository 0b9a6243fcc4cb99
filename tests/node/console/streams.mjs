// Subscriptions as their items come, the progress of calls, and their cancellation.

import assert from "node:assert/strict";

import { answer, call, choose, enterToken, inPage, member, request, rpc } from "./browser.mjs";
import { faint, overflowing } from "./looks.mjs";

/// What the page shows of a subscription.
const items = (page) => page.getByRole("region", { name: "Items" });
const rows = (page) => items(page).locator(".stream-item");
const figure = (page, name) => items(page).locator(`[data-figure="${name}"] dd`);
const button = (page, name) => page.getByRole("button", { name, exact: true });
const says = (page, text) => items(page).getByRole("status").filter({ hasText: text }).waitFor();

async function subscribe(page) {
  await button(page, "Subscribe").click();
  // Not `unsubscribed`, which the one before says.
  await says(page, /^subscribed/);
}

inPage("items are shown as they come, the newest at the top", { path: "/console#/ticker.prices" }, async (page) => {
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  await subscribe(page);
  assert.equal(await rows(page).count(), 0);
  await rpc("ticker.publish", ["ACME", 2]);
  await rpc("ticker.publish", ["OTHER"]);
  await rows(page).nth(1).waitFor();
  const shown = await rows(page).locator("code").allTextContents();
  assert.deepEqual(shown.map((text) => JSON.parse(text)), [{ symbol: "ACME", value: 1 }, { symbol: "ACME", value: 0 }]);
  assert.deepEqual(await rows(page).locator(".stream-number").allTextContents(), ["#2", "#1"]);
  assert.equal(await figure(page, "items").innerText(), "2");
  assert.equal(await figure(page, "missed").innerText(), "0");
  await figure(page, "rate").filter({ hasText: /^[\d.]+$/ }).waitFor();
});

inPage("a pause keeps what is shown, and counts on", { path: "/console#/ticker.prices" }, async (page) => {
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  await subscribe(page);
  await rpc("ticker.publish", ["ACME"]);
  await rows(page).first().waitFor();
  await button(page, "Pause").click();
  await says(page, "paused");
  await rpc("ticker.publish", ["ACME", 3]);
  await says(page, "3 more since");
  assert.equal(await rows(page).count(), 1);
  assert.equal(await figure(page, "items").innerText(), "4");
  await button(page, "Resume").click();
  await says(page, /^subscribed/);
  assert.equal(await rows(page).count(), 4);
  assert.deepEqual(await rows(page).locator(".stream-number").allTextContents(), ["#4", "#3", "#2", "#1"]);
});

inPage("what was missed is counted, and shown where it is missing", { path: "/console#/ticker.prices" }, async (page) => {
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  await subscribe(page);
  // So many at once that the topic, which keeps 16, forgets some before they are sent.
  const published = 200_000;
  await rpc("ticker.publish", ["ACME", published]);
  await rows(page).filter({ hasText: `"value":${published - 1}` }).waitFor();
  const [came, missed] = await Promise.all(["items", "missed"].map((name) => figure(page, name).innerText()));
  assert.notEqual(missed, "0");
  assert.match(missed, /k$|^[\d,]+$/);
  assert.ok(await rows(page).locator(".stream-gap", { hasText: /missed before$/ }).count() > 0, `${came} items, ${missed} missed`);
  assert.ok(await rows(page).count() <= 100);
});

inPage("nothing comes after the subscription was ended", { path: "/console#/ticker.prices" }, async (page) => {
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  await subscribe(page);
  await button(page, "Unsubscribe").click();
  await says(page, "unsubscribed");
  assert.equal(await button(page, "Pause").isVisible(), false);
  await rpc("ticker.publish", ["ACME"]);
  await subscribe(page);
  await rpc("ticker.publish", ["ACME"]);
  await rows(page).first().waitFor();
  assert.equal(await figure(page, "items").innerText(), "1", "of the new one");
});

inPage("a subscription tells how it has ended", { path: "/console#/ticker.count" }, async (page) => {
  await member(page, "to").getByRole("textbox").fill("300");
  await button(page, "Subscribe").click();
  await says(page, "That was the last item.");
  assert.equal(await figure(page, "items").innerText(), "300");
  assert.equal(await rows(page).count(), 100, "the newest");
  assert.equal(await rows(page).locator("code").first().textContent(), "300");
  assert.equal(await button(page, "Unsubscribe").isVisible(), false);

  await choose(page, "ticker.break_down");
  await button(page, "Subscribe").click();
  await says(page, "-32603");
  assert.equal(await rows(page).count(), 1);
});

inPage("a private subscription needs the token", { path: "/console#/ticker.audit" }, async (page) => {
  // Who has none is not told that it is a subscription.
  assert.match((await call(page)).status, /-32001 Access denied/);
  await enterToken(page);
  await button(page, "Subscribe").click();
  await says(page, "That was the last item.");
  assert.equal(await rows(page).count(), 3);
  assert.equal(await page.locator(".answer").isVisible(), false);
});

inPage("a mistake is shown at the parameter of a subscription, too", { path: "/console#/ticker.count" }, async (page) => {
  await member(page, "to").getByRole("textbox").fill("many");
  await button(page, "Subscribe").click();
  await member(page, "to").getByText("expected an integer").waitFor();
  assert.match((await answer(page)).status, /-32602 Invalid params/);
  assert.equal(await items(page).isVisible(), false);
});

inPage("items can be made to come less often", { path: "/console#/ticker.flood" }, async (page) => {
  await member(page, "count").getByRole("textbox").fill("1000");
  await page.getByLabel("At most one item every").fill("600000");
  assert.deepEqual((await request(page)).params, { count: 1000, _meta: { minIntervalMs: 600_000 } });
  await page.getByRole("tab", { name: "curl" }).click();
  assert.match(await page.locator("#request-text").textContent(), /^curl -sN .*-H 'accept: text\/event-stream'/s);
  await page.getByRole("tab", { name: "JSON" }).click();
  await subscribe(page);
  await rows(page).first().waitFor();
  await choose(page, "ticker.publish");
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  assert.equal((await call(page)).json.result, null);
  await choose(page, "ticker.flood");
  assert.equal(await figure(page, "items").innerText(), "1", "one in ten minutes");
});

// No more than Playwright can follow, which reads every message, too.
inPage("a flood of items is counted, and the newest are shown", { path: "/console#/ticker.flood" }, async (page) => {
  const count = 20_000;
  await member(page, "count").getByRole("textbox").fill(String(count));
  await page.evaluate(() => {
    window.changes = 0;
    new MutationObserver(() => { window.changes += 1; }).observe(document.getElementById("method"), { childList: true, subtree: true });
  });
  await subscribe(page);
  await figure(page, "items").filter({ hasText: "20,000" }).waitFor();
  const changes = await page.evaluate(() => window.changes);
  assert.ok(changes < count / 10, `the page was changed ${changes} times for ${count} items`);
  const shown = (await rows(page).locator("code").allTextContents()).map((text) => JSON.parse(text).value);
  assert.deepEqual(shown, Array.from({ length: 100 }, (_, index) => count - 1 - index));
  assert.equal(await rows(page).locator(".stream-number").first().textContent(), "#20000");
  await button(page, "Unsubscribe").click();
  await says(page, "unsubscribed");
});

inPage("the bar of a call moves with its progress", { path: "/console#/ticker.work" }, async (page) => {
  await page.getByText("reports its progress").waitFor();
  await member(page, "steps").getByRole("textbox").fill("4");
  await button(page, "Call").click();
  const bar = page.getByRole("progressbar", { name: "Progress" });
  await page.getByText("0 of 4 · step 1").waitFor();
  assert.deepEqual(await bar.evaluate(({ value, max }) => [value, max]), [0, 4]);
  await rpc("ticker.permit", [3]);
  await page.getByText("3 of 4 · step 4").waitFor();
  assert.equal(await bar.evaluate(({ position }) => position), 0.75);
  await rpc("ticker.permit", [1]);
  assert.equal((await answer(page)).json.result, 4);
  assert.equal(await bar.isVisible(), false);
});

inPage("a call that is cancelled is answered", { path: "/console#/ticker.work" }, async (page) => {
  await member(page, "steps").getByRole("textbox").fill("1");
  await button(page, "Call").click();
  await page.getByText("0 of 1 · step 1").waitFor();
  await button(page, "Cancel").click();
  const { json, status } = await answer(page);
  assert.equal(json.error.code, -32800);
  assert.match(status, /-32800 Request cancelled/);
  assert.equal(await button(page, "Cancel").isVisible(), false);
  await page.getByRole("region", { name: "History" }).getByText("-32800").waitFor();
});

for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["narrow", { viewport: { width: 360, height: 640 } }]]) {
  inPage(`items and progress can be read, ${name}`, { path: "/console#/ticker.prices", ...options }, async (page) => {
    await page.evaluate(() => { location.hash = "#/ticker.prices"; });
    await member(page, "symbol").getByRole("textbox").fill("ACME");
    await subscribe(page);
    await rpc("ticker.publish", ["ACME", 200_000]);
    await rows(page).filter({ hasText: '"value":199999' }).waitFor();
    await rows(page).locator(".stream-gap").first().waitFor();
    assert.deepEqual(await page.evaluate(faint), []);
    assert.deepEqual(await page.evaluate(overflowing), []);
    await button(page, "Pause").click();
    await says(page, "paused");
    assert.deepEqual(await page.evaluate(faint), []);
    await page.evaluate(() => { location.hash = "#/ticker.work"; });
    await member(page, "steps").getByRole("textbox").fill("2");
    await button(page, "Call").click();
    await page.getByText("0 of 2 · step 1").waitFor();
    assert.deepEqual(await page.evaluate(faint).then((found) => found.filter((line) => !line.includes("call: Call"))), []);
    assert.deepEqual(await page.evaluate(overflowing), []);
  });
}
