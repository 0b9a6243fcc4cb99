// An endpoint that speaks one of the two older dialects.

import assert from "node:assert/strict";

import { call, choose, inPage, member } from "./browser.mjs";

inPage("answers and errors are understood", {}, async (page) => {
  await choose(page, "kitchen.season");
  await member(page, "amount").getByRole("textbox").fill("5");
  const { status, json } = await call(page);
  assert.match(status, /HTTP 200 OK/, "by POST, as the endpoint answers its other clients");
  assert.match(status, /^\s*(✓ )?ok/);
  assert.equal(json.result ?? json.response, '5 g of "salt" in 2 spoons, None');
  await member(page, "amount").getByRole("textbox").fill("256");
  assert.match((await call(page)).status, /-32602 Invalid params/);
  await member(page, "amount").getByText("expected an integer from 0 to 255").waitFor();
});

inPage("what is no answer to a call is shown as it came", {}, async (page) => {
  await choose(page, "kitchen.echo");
  await page.route("**/api", (route) => route.fulfill({ status: 200, contentType: "text/html", body: "<h1>Bad gateway</h1>" }));
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.locator('.answer[data-outcome="bad"]').waitFor();
  assert.match(await page.locator(".answer-status").innerText(), /not a JSON-RPC response/);
  assert.equal(await page.locator(".answer-text").textContent(), "<h1>Bad gateway</h1>");
  await page.unroute("**/api");
});
