// Rust as the console shows it, against what `tests/console/service/typed.rs` has compiled.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { enterToken, choose, inPage, member, url } from "./browser.mjs";

const compiled = readFileSync(new URL("../../console/service/typed.rs", import.meta.url), "utf8");

/// The code between the two comments, without its indentation.
function expected(method) {
  const code = compiled.split(`// Shown for ${method}:\n`)[1].split("    // Until here.")[0];
  return code.split("\n").map((line) => line.replace(/^ {4}/, "")).join("\n").trim();
}

async function shown(page) {
  await page.getByRole("tab", { name: "Rust" }).click();
  const text = await page.locator("#request-text").textContent();
  return text.replace(`"${url}/api"`, "url").replace(`"${url.replace("http:", "ws:")}/api"`, "url");
}

inPage("arguments of plain types are literals, and serde makes the others",
  { path: "/console#/kitchen.season" }, async (page) => {
  await member(page, "amount").getByRole("textbox").fill("5");
  await member(page, "spice").getByRole("combobox").selectOption("pepper");
  await member(page, "note").getByRole("textbox").fill('it\'s "hot"');
  assert.equal(await shown(page), expected("kitchen.season"));
  await member(page, "amount").getByRole("textbox").fill("");
  assert.match(await shown(page), /client\.season\(\s*todo!\("amount"\),/,
    "what is missing is to be written");
  await member(page, "amount").getByRole("textbox").fill("256");
  assert.match(await shown(page), /client\.season\(\s*serde_json::from_value\(json!\(256\)\)\?,/,
    "no u8 is so large");
});

inPage("a long call has its arguments below each other",
  { path: "/console#/kitchen.order" }, async (page) => {
  const dish = member(page, "dish");
  await dish.locator('[data-member="name"]').getByRole("textbox").fill("soup");
  const payment = dish.locator('[data-member="payment"]');
  await payment.getByRole("combobox").selectOption("card");
  await payment.locator('[data-member="number"]').getByRole("textbox").fill("4000123412341234");
  assert.equal(await shown(page), expected("kitchen.order"));
});

inPage("the rest is the last argument", { path: "/console#/kitchen.remember" }, async (page) => {
  await member(page, "level").getByRole("textbox").fill("3");
  const rest = member(page, "…");
  await rest.getByRole("checkbox", { name: "send" }).check();
  await rest.getByRole("button", { name: "Add a member" }).click();
  await rest.getByRole("textbox", { name: "name" }).fill("why");
  await rest.locator("textarea").fill('["so"]');
  assert.equal(await shown(page), expected("kitchen.remember"));
});

inPage("a method without a result gives none",
  { path: "/console#/kitchen.clear" }, async (page) => {
  await member(page, "all").locator(".value").getByRole("checkbox").check();
  await member(page, "limit").getByRole("textbox").fill("2");
  assert.equal(await shown(page), expected("kitchen.clear"));
});

inPage("a service without a client is called by names",
  { path: "/console#/ping" }, async (page) => {
  assert.equal(await shown(page), [
    "use callbox::client::Client;",
    "use serde_json::Value;",
    "",
    "let client = Client::new(url)?;",
    'let result: Value = client.call("ping", ()).await?;',
  ].join("\n"));
});

inPage("a token is a variable", {}, async (page) => {
  await enterToken(page);
  await choose(page, "kitchen.take_stock");
  await member(page, "shelf").getByRole("textbox").fill("1");
  const text = await shown(page);
  const client = 'Client::builder(url).token(std::env::var("TOKEN")?).build()?';
  assert.ok(text.includes(`KitchenClient::from(${client});`), text);
});

inPage("what is deprecated says so, in the list and at the method",
  { path: "/console#/kitchen.clear" }, async (page) => {
  await page.locator(".badges").getByText("deprecated", { exact: true }).waitFor();
  const link = page.locator('[data-method="kitchen.clear"]');
  await link.getByText("deprecated", { exact: true }).waitFor();
  assert.equal(await page.locator("#method-list .deprecated").count(), 1, "and nothing else does");
  assert.equal(await page.locator('[data-method="kitchen.clear"] .summary').innerText(),
    "Cleans up, as the old menu says it.");
});

inPage("a subscription is a loop over its items, over a WebSocket",
  { path: "/console#/ticker.count" }, async (page) => {
  await member(page, "to").getByRole("textbox").fill("3");
  assert.equal(await shown(page), expected("ticker.count"));
  await enterToken(page);
  await choose(page, "ticker.audit");
  const address = `${url.replace("http:", "ws:")}/api`;
  await page.locator("#request-text", { hasText: "client.audit()" }).waitFor();
  assert.ok((await page.locator("#request-text").textContent()).includes(
    `TickerClient::from(Client::builder("${address}").token(std::env::var("TOKEN")?).connect().await?);`));
});
