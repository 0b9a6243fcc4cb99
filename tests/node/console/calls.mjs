// Calls, their answers, tokens, mistakes, and the history.

import assert from "node:assert/strict";

import { call, choose, enterToken, inPage, member, request, TOKEN, url } from "./browser.mjs";

inPage("a public method is called", {}, async (page) => {
  await choose(page, "kitchen.season");
  await member(page, "amount").getByRole("textbox").fill("5");
  await member(page, "spice").getByRole("combobox").selectOption("pepper");
  const { status, json } = await call(page);
  assert.equal(json.result, '5 g of "pepper" in 2 spoons, None');
  assert.match(status, /ok.*WebSocket · [\d.]+ (ms|µs|s)/s);
});

inPage("a private method needs the token", {}, async (page) => {
  await page.locator('[data-method="kitchen.take_stock"]').getByText("needs a token").waitFor({ state: "attached" });
  await choose(page, "kitchen.take_stock");
  const refused = await call(page);
  assert.equal(refused.json.error.code, -32001);
  assert.match(refused.status, /-32001 Access denied/);
  assert.match(refused.status, /Enter a token above/);

  await enterToken(page);
  await member(page, "shelf").getByRole("textbox").fill("3");
  assert.equal((await call(page)).json.result, 3);
});

inPage("the token is in the page's memory and nowhere else", {}, async (page) => {
  await enterToken(page);
  await choose(page, "kitchen.take_stock");
  await member(page, "shelf").getByRole("textbox").fill("3");
  await call(page);
  for (const tab of ["JSON", "curl", "Rust"]) {
    await page.getByRole("tab", { name: tab }).click();
    assert.ok(!(await page.content()).includes(TOKEN), `the page shows the token under ${tab}`);
  }
  await page.getByRole("tab", { name: "curl" }).click();
  assert.match(await page.locator("#request-text").textContent(), /-H "X-Api-Token: \$TOKEN"/);
  assert.ok(!page.url().includes(TOKEN));
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, JSON.stringify(history.state)]);
  assert.deepEqual(kept, [0, 0, "", "null"]);
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), "");
});

inPage("a mistake is shown at the parameter that has it, as the server says it", {}, async (page) => {
  await choose(page, "kitchen.season");
  const amount = member(page, "amount");
  await amount.getByRole("textbox").fill("256");
  const { json, status } = await call(page);
  assert.equal(json.error.data.param, "amount");
  assert.match(status, /-32602 Invalid params/);
  await amount.getByText("expected an integer from 0 to 255, got 256").waitFor();
  const input = amount.getByRole("textbox");
  assert.equal(await input.getAttribute("aria-invalid"), "true");
  assert.ok(await input.evaluate((element) => element === document.activeElement), "the field has the focus");
  const described = await input.getAttribute("aria-describedby");
  const texts = await page.evaluate((ids) => ids.split(" ").map((id) => document.getElementById(id).textContent), described);
  assert.ok(texts.some((text) => text.includes("expected an integer")), "a screen reader reads it with the field");
  assert.equal(await page.locator(".member.wrong").count(), 1, "and at no other");

  await input.fill("25");
  assert.equal(await page.locator(".member.wrong").count(), 0, "it goes when the value changes");
  await input.fill("much");
  await call(page);
  await amount.getByText('expected an integer from 0 to 255, got "much"').waitFor();
  await input.fill("");
  await call(page);
  await amount.getByText("missing").waitFor();
  await input.fill("1");
  await member(page, "spoons").getByRole("textbox").fill("-1");
  await call(page);
  await member(page, "spoons").getByText("expected an integer from 0 to 4294967295, got -1").waitFor();
  assert.equal(await page.locator(".member.wrong").count(), 1);
});

inPage("a mistake within a value is shown at the very field that has it", {}, async (page) => {
  const wrong = page.locator(".wrong");
  const shown = async (field, text) => {
    const { status } = await call(page);
    assert.match(status, /-32602 Invalid params/);
    await field.locator(".error", { hasText: text }).waitFor();
    assert.equal(await wrong.count(), 1, "and at no other");
    assert.ok(await field.locator("[aria-invalid]").evaluate((input) => input === document.activeElement), "it has the focus");
  };

  await choose(page, "kitchen.order");
  const dish = member(page, "dish");
  await dish.locator('[data-member="name"]').getByRole("textbox").fill("soup");
  const coins = dish.locator('[data-member="coins"]');
  await shown(coins, "missing");
  await coins.getByRole("textbox").fill("1");
  assert.equal(await wrong.count(), 0, "it goes when the value changes");
  const table = dish.locator('[data-member="table"]');
  await table.getByRole("checkbox", { name: "send" }).check();
  const number = table.locator('[data-member="number"]');
  await number.getByRole("textbox").fill("256");
  await shown(number, "expected an integer from 0 to 255, got 256");
  await number.getByRole("textbox").fill("4");
  await call(page);
  assert.equal(await wrong.count(), 0);

  await choose(page, "kitchen.evaluate");
  const expression = member(page, "expression");
  const add = (field) => field.getByRole("combobox").first().selectOption({ label: "Add" });
  await add(expression);
  const items = expression.locator(".item");
  await items.nth(0).getByRole("textbox").fill("1");
  await items.nth(1).getByRole("textbox").fill("two");
  await shown(items.nth(1).locator('[data-member="Number"]'), 'got "two"');

  await choose(page, "kitchen.weigh");
  const weights = member(page, "weights");
  await weights.getByRole("button", { name: "Add a member" }).click();
  await weights.getByRole("textbox", { name: "name" }).fill("green tea");
  await weights.locator(".value").getByRole("textbox").last().fill("-1");
  await shown(weights.locator(".item"), "got -1");
  const portions = member(page, "portions");
  await portions.getByRole("button", { name: "Add an item" }).click();
  await portions.getByRole("button", { name: "Add an item" }).click();
  await weights.locator(".value").getByRole("textbox").last().fill("1");
  await portions.getByRole("textbox").first().fill("1");
  await portions.getByRole("textbox").last().fill("300");
  await shown(portions.locator(".item").last(), "got 300");
});

inPage("an error of the method's own is shown with its code", {}, async (page) => {
  await choose(page, "kitchen.order");
  await page.getByText("1 error of its own").click();
  await page.getByText("404 There is no such dish").waitFor();
  await member(page, "name").getByRole("textbox").fill("nothing");
  await page.locator('.member[data-member="coins"]').getByRole("textbox").fill("1");
  assert.match((await call(page)).status, /404 There is no such dish/);
});

inPage("the history brings a call back", {}, async (page) => {
  const history = page.getByRole("region", { name: "History" });
  await history.getByText("No calls yet.").waitFor();
  await choose(page, "kitchen.season");
  await member(page, "amount").getByRole("textbox").fill("7");
  await member(page, "spoons").getByRole("textbox").fill("4");
  await call(page);
  await choose(page, "kitchen.echo");
  await call(page);
  assert.equal(await history.getByRole("button").count(), 2);
  await history.getByRole("button", { name: /season/ }).click();
  await page.locator("h1", { hasText: "season" }).waitFor();
  assert.equal(await member(page, "amount").getByRole("textbox").inputValue(), "7");
  assert.deepEqual((await request(page)).params, { amount: 7, spice: "salt", spoons: 4 });
});

inPage("what was typed in stays while another method is looked at", {}, async (page) => {
  await choose(page, "kitchen.season");
  await member(page, "amount").getByRole("textbox").fill("9");
  await choose(page, "kitchen.cook");
  await page.goBack();
  await page.locator("h1", { hasText: "season" }).waitFor();
  assert.equal(await member(page, "amount").getByRole("textbox").inputValue(), "9");
  // Of the private method there is a form now, and the others are as they were.
  await enterToken(page);
  await choose(page, "kitchen.take_stock");
  await member(page, "shelf").waitFor();
  await choose(page, "kitchen.season");
  assert.equal(await member(page, "amount").getByRole("textbox").inputValue(), "9");
});

inPage("numbers keep all their digits", {}, async (page) => {
  await choose(page, "kitchen.echo");
  await member(page, "value").getByRole("textbox").fill("[18446744073709551615, 1.10, -0]");
  const { text } = await call(page);
  assert.match(text, /18446744073709551615,\s+1\.1,\s+-0/);
});

inPage("the snippets make the same call", { path: "/console#/kitchen.season" }, async (page) => {
  await member(page, "amount").getByRole("textbox").fill("5");
  const note = member(page, "note");
  await note.getByRole("textbox").fill("it's \"hot\" \\b");
  await page.getByRole("tab", { name: "curl" }).click();
  const curl = await page.locator("#request-text").textContent();
  assert.ok(curl.startsWith(`curl -s ${url}/api \\\n`), curl);
  const { execFileSync } = await import("node:child_process");
  const said = JSON.parse(execFileSync("bash", ["-c", curl], { encoding: "utf8", env: { ...process.env, NO_PROXY: "*" } }));
  assert.equal(said.result, '5 g of "salt" in 2 spoons, Some("it\'s \\"hot\\" \\\\b")');
  await page.getByRole("tab", { name: "Rust" }).click();
  assert.equal(await page.locator("#request-text").textContent(), [
    "use callbox::client::Client;",
    "use serde_json::json;",
    "",
    "// KitchenClient is in the crate of the service.",
    `let client = KitchenClient::from(Client::new("${url}/api")?);`,
    "let result = client.season(",
    "    5,",
    '    serde_json::from_value(json!("salt"))?,',
    '    Some("it\'s \\"hot\\" \\\\b".into()),',
    "    2,",
    ").await?;",
  ].join("\n"));
});
