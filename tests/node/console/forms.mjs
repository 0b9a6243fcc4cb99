// Forms: every kind of parameter, as a field and as what is sent.

import assert from "node:assert/strict";

import { call, choose, inPage, member, request } from "./browser.mjs";

inPage("a method's documentation is text, whatever is in it", { path: "/console#/kitchen.season" }, async (page) => {
  const prose = page.locator(".prose");
  assert.equal(await prose.locator("code").innerText(), "amount");
  assert.deepEqual(await prose.getByRole("listitem").allInnerTexts(), ["less is more", "more is <b>too much</b>"]);
  assert.equal(await prose.locator("b").count(), 0);
});

inPage("each parameter has its type, its documentation and its default", { path: "/console#/kitchen.season" }, async (page) => {
  const amount = member(page, "amount");
  assert.equal(await amount.locator(".type").innerText(), "integer, 0 to 255");
  await amount.getByText("How much, in grams.").waitFor();
  await amount.getByText("required").waitFor();
  assert.equal(await page.getByLabel("amount").evaluate((input) => input.tagName), "INPUT");
  assert.equal(await member(page, "spoons").getByRole("textbox").getAttribute("placeholder"), "default: 2");
  const spice = member(page, "spice");
  assert.deepEqual(await spice.getByRole("option").allTextContents(), ["salt", "pepper", "paprika"].sort((a, b) => order(a) - order(b)));
  await spice.getByRole("combobox").selectOption("pepper");
  await spice.getByText("Black, of course.").waitFor();
});

// schemars lists variants without documentation first.
function order(name) {
  return ["salt", "paprika", "pepper"].indexOf(name);
}

inPage("what is optional is sent when somebody fills it in", { path: "/console#/kitchen.season" }, async (page) => {
  await member(page, "amount").getByRole("textbox").fill("1");
  assert.deepEqual((await request(page)).params, { amount: 1, spice: "salt" });
  const spoons = member(page, "spoons");
  const send = spoons.getByRole("checkbox", { name: "send" });
  assert.equal(await send.isChecked(), false);
  await spoons.getByRole("textbox").fill("3");
  assert.equal(await send.isChecked(), true);
  assert.deepEqual((await request(page)).params, { amount: 1, spice: "salt", spoons: 3 });
  await send.uncheck();
  assert.deepEqual((await request(page)).params, { amount: 1, spice: "salt" });
});

inPage("an object of objects, arrays, maps and variants is filled in", { path: "/console#/kitchen.order" }, async (page) => {
  const dish = member(page, "dish");
  await dish.locator('[data-member="name"]').getByRole("textbox").fill("soup");
  const spices = dish.locator('[data-member="spices"]');
  await spices.getByRole("button", { name: "Add an item" }).click();
  await spices.getByRole("button", { name: "Add an item" }).click();
  await spices.getByRole("combobox").nth(1).selectOption("paprika");
  await dish.locator('[data-member="is_hot"] .value').getByRole("checkbox").check();
  const payment = dish.locator('[data-member="payment"]');
  await payment.getByText("On the nail.").waitFor();
  await payment.getByRole("combobox").first().selectOption({ index: 1 });
  await payment.locator('[data-member="number"]').getByRole("textbox").fill("4000123412341234");
  const table = dish.locator('[data-member="table"]');
  await table.getByRole("checkbox", { name: "send" }).check();
  await table.locator('[data-member="number"]').getByRole("textbox").fill("12");
  const notes = dish.locator('[data-member="notes"]');
  await notes.getByRole("button", { name: "Add a member" }).click();
  await notes.getByRole("textbox", { name: "name" }).fill("waiter");
  await notes.locator(".value").getByRole("textbox").last().fill("quick");

  const sent = {
    name: "soup",
    spices: ["salt", "paprika"],
    is_hot: true,
    payment: { by: "card", number: 4000123412341234 },
    table: { number: 12 },
    notes: { waiter: "quick" },
  };
  assert.deepEqual((await request(page)).params.dish, sent);
  assert.deepEqual((await call(page)).json.result, sent);

  await spices.getByRole("button", { name: "Remove this item" }).first().click();
  assert.deepEqual((await request(page)).params.dish.spices, ["paprika"]);
  await page.getByRole("region", { name: "History" }).getByRole("button").first().click();
  assert.deepEqual((await request(page)).params.dish, sent, "the history fills all of it in again");
});

inPage("a type that contains itself is filled in as deep as one likes", { path: "/console#/kitchen.evaluate" }, async (page) => {
  const expression = member(page, "expression");
  await expression.getByRole("combobox").first().selectOption("Add");
  await expression.getByRole("combobox").nth(2).selectOption("Add");
  const numbers = expression.locator(".member[data-member=Number]").getByRole("textbox");
  assert.equal(await numbers.count(), 3);
  for (const [index, number] of ["1", "20", "300"].entries()) {
    await numbers.nth(index).fill(number);
  }
  assert.deepEqual((await request(page)).params.expression, { Add: [{ Number: 1 }, { Add: [{ Number: 20 }, { Number: 300 }] }] });
  assert.equal((await call(page)).json.result, 321);
});

inPage("a method that takes the rest has a place for it", { path: "/console#/kitchen.remember" }, async (page) => {
  await member(page, "level").getByRole("textbox").fill("3");
  const rest = member(page, "…");
  await rest.getByRole("checkbox", { name: "send" }).check();
  await rest.getByRole("button", { name: "Add a member" }).click();
  await rest.getByRole("textbox", { name: "name" }).fill("why");
  await rest.locator("textarea").fill('["so"]');
  assert.deepEqual((await request(page)).params, { why: ["so"], level: 3 });
  assert.deepEqual((await call(page)).json.result, [3, { why: ["so"] }]);
});

inPage("methods stand under their namespace or their service", {}, async (page) => {
  assert.deepEqual(await page.locator("#method-list h2").allTextContents(), ["kitchen", "test.open", "built in"]);
});

inPage("what is no JSON is not sent", { path: "/console#/kitchen.echo" }, async (page) => {
  const value = member(page, "value");
  await value.getByRole("textbox").fill("{oops");
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await value.getByText("This is not JSON").waitFor();
  assert.equal(await page.locator(".answer").isVisible(), false);
  await value.getByRole("textbox").fill('{"a": [1, null]}');
  assert.deepEqual((await call(page)).json.result, { a: [1, null] });
});

inPage("a method that takes nothing says so", { path: "/console#/kitchen.cook" }, async (page) => {
  await page.getByText("This method has no parameters.").waitFor();
  assert.equal("params" in (await request(page)), false);
});

inPage("methods are found by parts of their names and of what they do", {}, async (page) => {
  const names = () => page.locator("#method-list li:visible .method-name").allInnerTexts();
  const search = page.getByRole("searchbox", { name: "Search methods" });
  assert.ok((await names()).length >= 7);
  await search.fill("SEAS");
  assert.deepEqual(await names(), ["season"]);
  await search.fill("until somebody");
  assert.deepEqual(await names(), ["cook"]);
  await page.getByRole("status").getByText("1 method", { exact: true }).waitFor({ state: "attached" });
  await search.press("Enter");
  await page.locator("h1", { hasText: "cook" }).waitFor();
  await search.press("Escape");
  assert.ok((await names()).length >= 7);
  await choose(page, "get_service_specs");
  await call(page);
});

inPage("the rules of parameters are on their inputs, in words, and what breaks them is shown there", { path: "/console#/kitchen.weigh" }, async (page) => {
  const [portions, label, loss] = ["portions", "label", "loss"].map((name) => member(page, name));
  const words = (field) => field.locator(".type").first().innerText();
  assert.equal(await words(portions), "array of integer, 1 to 200, up to 3 items");
  assert.equal(await words(label), "string, 1 to 8 characters or null");
  assert.equal(await words(loss), "number, from 0.5, below 1 or null");
  const attributes = (field, names) => field.getByRole("textbox").evaluate((input, all) => all.map((name) => input.getAttribute(name)), names);
  assert.deepEqual(await attributes(label, ["minlength", "maxlength"]), ["1", "8"]);
  assert.deepEqual(await attributes(loss, ["min", "max"]), ["0.5", "1"]);

  await label.getByRole("textbox").fill("Tea");
  assert.ok(await label.getByRole("textbox").evaluate((input) => input.validity.patternMismatch));
  await call(page);
  await label.locator(".error", { hasText: 'must match ^[a-z]+$, not "Tea"' }).waitFor();
  await label.getByRole("textbox").fill("tea");
  assert.ok(await label.getByRole("textbox").evaluate((input) => input.validity.valid));

  const add = portions.getByRole("button", { name: "Add an item" });
  await add.click();
  await add.click();
  assert.deepEqual(await attributes(portions.locator(".item").last(), ["min", "max"]), ["1", "200"]);
  await portions.getByRole("textbox").first().fill("1");
  await portions.getByRole("textbox").last().fill("0");
  await call(page);
  await portions.locator(".item").last().locator(".error", { hasText: "must be from 1 to 200, not 0" }).waitFor();
  await add.click();
  assert.equal(await add.isVisible(), false, "there is no room for a fourth");
});
