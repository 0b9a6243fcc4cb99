// The one socket of a page: its token, what other pages leave it, and a server that goes and comes.

import assert from "node:assert/strict";

import { answer, call, choose, enterToken, inPage, member, rpc, TOKEN, url } from "./browser.mjs";
import { Switch } from "./switch.mjs";

const live = (page) => page.getByText("live", { exact: true }).waitFor();

inPage("the token goes as a subprotocol, and into no address", {}, async (page) => {
  const session = await page.context().newCDPSession(page);
  const seen = [];
  session.on("Network.requestWillBeSent", ({ request }) => seen.push(request.url));
  await session.send("Network.enable");
  await enterToken(page);
  await live(page);
  await page.locator('.row[data-mailbox="ticker.work"]').waitFor();
  assert.ok(seen.length > 0 && !seen.some((address) => address.includes(TOKEN)), seen.join(" "));
});

inPage("a token of any letters is sent", {}, async (page) => {
  await enterToken(page, "schlüssel?>~");
  await page.getByText("This token may not see the mailboxes.").first().waitFor();
});

inPage("many pages leave enough connections for calls", {}, async (page) => {
  const pages = [page];
  while (pages.length < 9) {
    const further = await page.context().newPage();
    await further.goto(`${url}/console`);
    pages.push(further);
  }
  for (const one of pages) {
    await enterToken(one);
    await live(one);
  }
  for (const one of [pages.at(0), pages.at(-1)]) {
    await one.bringToFront();
    await choose(one, "ticker.publish");
    await member(one, "symbol").getByRole("textbox").fill("ACME");
    assert.equal((await call(one)).json.result, null);
  }
});

const there = new Switch();
await there.on();

inPage("a server that comes back is noticed, and what was under way has ended", { base: there.base, tolerates: /WebSocket|ERR_/ }, async (page) => {
  await enterToken(page);
  await live(page);
  await choose(page, "ticker.prices");
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  await page.getByRole("button", { name: "Subscribe" }).click();
  const items = page.getByRole("region", { name: "Items" });
  await items.getByText("subscribed").waitFor();
  await choose(page, "ticker.work");
  await member(page, "steps").getByRole("textbox").fill("1");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText("0 of 1 · step 1").waitFor();

  await there.off();
  await page.getByText("not connected, trying again").waitFor();
  assert.match((await answer(page)).status, /no response The connection was lost/);
  await choose(page, "ticker.prices");
  await items.getByText("The connection was lost.").waitFor();
  await page.getByText("Not connected to the server.").first().waitFor();

  await there.on();
  await live(page);
  await page.locator(".row:visible").first().waitFor();
  assert.equal(await member(page, "symbol").getByRole("textbox").inputValue(), "ACME", "the form is as it was");
  await page.getByRole("button", { name: "Subscribe" }).click();
  await items.getByText("subscribed").waitFor();
  await rpc("ticker.publish", ["ACME"]);
  await items.locator(".stream-item").first().waitFor();
  await there.off();
});

inPage("without a WebSocket calls go by POST", { tolerates: /WebSocket|ERR_/ }, async (page) => {
  // The worker is started anew by the reload, and its socket leads nowhere.
  await page.route("**/console/socket-worker.js", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace("new WebSocket(url,", 'new WebSocket(url + "-that-is-not-there",');
    await route.fulfill({ response, body });
  });
  await page.reload();
  await page.getByText("not connected, trying again").waitFor();
  await choose(page, "ticker.publish");
  await member(page, "symbol").getByRole("textbox").fill("ACME");
  assert.match((await call(page)).status, /ok.*HTTP 200 OK/);
});

inPage("a page that nobody sees does not watch", {}, async (page) => {
  await enterToken(page);
  await live(page);
  const hide = (isHidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  await hide(true);
  // What would have come by now came before the answer.
  await choose(page, "ticker.permit");
  await member(page, "steps").getByRole("textbox").fill("0");
  await call(page);
  const rate = page.locator('.row[data-mailbox="ticker.permit"] .row-rate');
  assert.equal(await rate.innerText(), "0/s");
  await hide(false);
  await page.locator('[data-figure="answered"] dd', { hasText: "1" }).waitFor();
});
