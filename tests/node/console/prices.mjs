// The page of the example `prices`: the prices as they change, also over a lost connection.

import assert from "node:assert/strict";
import { after } from "node:test";

import { inPage, rpc } from "./browser.mjs";
import { Switch } from "./switch.mjs";

const row = (page, symbol) => page.locator("#prices tr", { has: page.locator("th", { hasText: symbol }) });

/// Waits until the page shows this price.
const shows = (page, symbol, price) => row(page, symbol).locator(".value", { hasText: `€${price}` }).waitFor();

const isState = (page, state) => page.locator(`#state[data-state="${state}"]`).waitFor();

/// The number of prices in the course of a symbol. A single one is drawn as a line, too.
async function course(page, symbol) {
  const points = await row(page, symbol).locator("polyline").getAttribute("points");
  return points.split(" ").length;
}

async function set(symbol, ...values) {
  for (const value of values) {
    assert.deepEqual((await rpc("set", { symbol, value })).result, { symbol, value });
  }
}

const network = new Switch();
await network.on();
after(() => network.off());
const options = { path: "/", base: network.base };
/// What Chromium says while the network is off.
const tolerates = /WebSocket|ERR_/;

inPage("the page shows the prices, and one that a call sets", options, async (page) => {
  await shows(page, "APPL", "1.90");
  await shows(page, "PEAR", "2.50");
  await set("PEAR", 2.75);
  await shows(page, "PEAR", "2.75");
  assert.equal(await row(page, "PEAR").locator(".change").innerText(), "+10%");
});

inPage("a price that the page sets is shown by other pages", options, async (page) => {
  const other = await page.context().newPage();
  await other.goto(network.base);
  await isState(other, "live");
  await page.getByLabel("Symbol").fill("plum");
  await page.getByLabel("Price", { exact: true }).fill("3.25");
  await page.getByRole("button", { name: "Set" }).click();
  await page.getByText("PLUM is now €3.25.").waitFor();
  await shows(page, "PLUM", "3.25");
  await shows(other, "PLUM", "3.25");
});

inPage("after a lost connection the page continues where it was", { ...options, tolerates }, async (page) => {
  await set("CIDR", 7);
  await shows(page, "CIDR", "7.00");
  // From here on the page has a position.
  await set("CIDR", 7.5);
  await shows(page, "CIDR", "7.50");
  const [cider, apples] = [await course(page, "CIDR"), await course(page, "APPL")];
  for (const round of [1, 2]) {
    await network.off();
    await isState(page, "lost");
    // The last one is not what the page shows already.
    await set("CIDR", 8, 8.5, 9 + round);
    await network.on();
    await isState(page, "live");
    await shows(page, "CIDR", `${9 + round}.00`);
    // Each price once: none is missed, and those that the page had do not come again.
    assert.equal(await course(page, "CIDR"), cider + 3 * round);
    assert.equal(await course(page, "APPL"), apples);
  }
  assert.equal(await page.locator("#missed").isVisible(), false);
});
