// Every shape of a type: what the form asks for, what it sends, and that the server reads it as
// that.

import assert from "node:assert/strict";

import { call, inPage, member, request } from "./browser.mjs";

/// Chooses a variant in the first list of a field.
const pick = (field, name) => field.getByRole("combobox").first().selectOption(name);
const names = (field) =>
  field.locator("[data-member]").evaluateAll((all) => all.map((one) => one.dataset.member));
const options = (field, at = 0) =>
  field.getByRole("combobox").nth(at).getByRole("option").allTextContents();

/// Fills in a member within a field.
async function fill(field, values) {
  for (const [name, value] of Object.entries(values)) {
    await field.locator(`[data-member="${name}"]`).getByRole("textbox").fill(value);
  }
}

/// What is sent is what the server has read; and the history brings it back into the form.
async function sends(page, name, value) {
  assert.deepEqual((await request(page)).params[name], value);
  const { json } = await call(page);
  assert.deepEqual(json.result, value, JSON.stringify(json));
  await page.getByRole("region", { name: "History" }).getByRole("button").first().click();
  assert.deepEqual((await request(page)).params[name], value, "the history fills it in again");
}

inPage("a schema of two types is a choice of the two", { path: "/console#/fit" }, async (page) => {
  const size = member(page, "size");
  assert.equal(await size.locator(".type").first().innerText(), "string or number");
  assert.deepEqual(await options(size), ["string", "number"]);
  await size.getByRole("textbox").fill("large");
  await sends(page, "size", "large");
  await pick(size, "number");
  await size.getByRole("textbox").fill("4.5");
  await sends(page, "size", 4.5);
});

inPage("an untagged enum is a choice of what it is made of",
  { path: "/console#/aim" }, async (page) => {
  const target = member(page, "target");
  assert.deepEqual(await options(target),
    ["integer, from 0", "array of integer, from 0", "Address", "object"]);
  await target.getByRole("textbox").fill("7");
  await sends(page, "target", 7);
  await pick(target, "array of integer, from 0");
  await target.getByRole("button", { name: "Add an item" }).click();
  await target.getByRole("textbox").fill("8");
  await sends(page, "target", [8]);
  await pick(target, "object");
  await fill(target, { from: "1", to: "2" });
  await sends(page, "target", { from: 1, to: 2 });
  await pick(target, "Address");
  await fill(target, { street: "Elm" });
  assert.deepEqual((await request(page)).params.target, { street: "Elm" });
});

inPage("the choice of a variant is its tag", { path: "/console#/deliver" }, async (page) => {
  const delivery = member(page, "delivery");
  assert.deepEqual(await options(delivery), ["pickup", "send", "carried", "dated"]);
  assert.deepEqual(await names(delivery), []);
  assert.equal(await delivery.getByRole("combobox").count(), 1, "it is asked for once");
  await sends(page, "delivery", { type: "pickup" });
  await pick(delivery, "dated");
  assert.deepEqual(await names(delivery), ["day"]);
  await fill(delivery, { day: "3" });
  await sends(page, "delivery", { type: "dated", day: 3 });
  // A struct within, whose members stand beside the tag.
  await pick(delivery, "send");
  assert.deepEqual(await names(delivery), ["street", "number"]);
  await fill(delivery, { street: "Elm", number: "12b" });
  await sends(page, "delivery", { type: "send", street: "Elm", number: "12b" });
  // An enum within, whose tag stands beside the other one.
  await pick(delivery, "carried");
  assert.deepEqual(await options(delivery, 1), ["bike", "van"]);
  await delivery.getByRole("combobox").nth(1).selectOption("van");
  await fill(delivery, { plate: "B 12" });
  await sends(page, "delivery", { type: "carried", by: "van", plate: "B 12" });
});

inPage("so it is where the tag stands beside the content",
  { path: "/console#/run" }, async (page) => {
  const command = member(page, "command");
  assert.deepEqual(await options(command), ["Stop", "Wait", "Move", "Say"]);
  await sends(page, "command", { t: "Stop" });
  await pick(command, "Wait");
  assert.deepEqual(await names(command), ["c"]);
  await fill(command, { c: "5" });
  await sends(page, "command", { t: "Wait", c: 5 });
  await pick(command, "Move");
  await command.getByRole("textbox").nth(0).fill("-1");
  await command.getByRole("textbox").nth(1).fill("2");
  await sends(page, "command", { t: "Move", c: [-1, 2] });
  await pick(command, "Say");
  await command.getByRole("textbox").fill("hello");
  await sends(page, "command", { t: "Say", c: { text: "hello" } });
});

inPage("variants without data stand in one list with the others",
  { path: "/console#/draw" }, async (page) => {
  const figure = member(page, "figure");
  assert.deepEqual(await options(figure), ["Point", "Plane", "Circle", "Line", "Box", "Named"]);
  await sends(page, "figure", "Point");
  await pick(figure, "Circle");
  await figure.getByText("Of radius 1.").waitFor();
  assert.equal(await figure.getByRole("combobox").count(), 1);
  await sends(page, "figure", "Circle");
  await pick(figure, "Box");
  await figure.getByRole("textbox").nth(0).fill("1");
  await figure.getByRole("textbox").nth(1).fill("2");
  await sends(page, "figure", { Box: [1, 2] });
  await pick(figure, "Named");
  await figure.getByRole("textbox").fill("star");
  await sends(page, "figure", { Named: { name: "star" } });
});

inPage("enums that are flattened into a struct are both chosen",
  { path: "/console#/place" }, async (page) => {
  const order = member(page, "order");
  assert.equal(await order.getByRole("combobox").count(), 2);
  assert.equal(await order.getByLabel("type", { exact: true }).inputValue(), "0");
  const t = order.getByLabel("t", { exact: true });
  assert.deepEqual(await t.getByRole("option").allTextContents(), ["Stop", "Wait", "Move", "Say"]);
  await fill(order, { id: "9" });
  await sends(page, "order", { id: 9, type: "pickup", t: "Stop" });
  await order.getByRole("combobox").nth(0).selectOption("dated");
  await order.getByRole("combobox").nth(1).selectOption("Wait");
  await fill(order, { day: "1", c: "60" });
  await sends(page, "order", { id: 9, type: "dated", day: 1, t: "Wait", c: 60 });
});

inPage("maps have keys of any kind, also beside members with names",
  { path: "/console#/count" }, async (page) => {
  const [counts, labelled] = [member(page, "counts"), member(page, "labelled")];
  assert.equal(await counts.locator(".type").first().innerText(), "object of boolean");
  await counts.getByRole("button", { name: "Add a member" }).click();
  await counts.getByRole("textbox", { name: "name" }).fill("12");
  await counts.locator(".item").getByRole("checkbox").check();
  await fill(labelled, { label: "x" });
  await labelled.getByRole("button", { name: "Add a member" }).click();
  await labelled.getByRole("textbox", { name: "name" }).fill("more");
  await labelled.locator(".item .value").getByRole("textbox").fill("4");
  const sent = { counts: { 12: true }, labelled: { more: 4, label: "x" } };
  assert.deepEqual((await request(page)).params, sent);
  assert.deepEqual((await call(page)).json.result, Object.values(sent));
  await page.getByRole("region", { name: "History" }).getByRole("button").first().click();
  assert.deepEqual((await request(page)).params, sent);
});

inPage("tuples and arrays of a fixed length have as many items as they must",
  { path: "/console#/pair" }, async (page) => {
  const [pair, triple] = [member(page, "pair"), member(page, "triple")];
  await pair.getByRole("textbox").nth(0).fill("a");
  await pair.getByRole("textbox").nth(1).fill("1");
  assert.equal(await triple.getByRole("textbox").count(), 3);
  assert.equal(await triple.getByRole("button").count(), 0, "none can be added, and none removed");
  for (const at of [0, 1, 2]) {
    await triple.getByRole("textbox").nth(at).fill(String(at));
  }
  const sent = [["a", 1], [0, 1, 2]];
  assert.deepEqual(Object.values((await request(page)).params), sent);
  assert.deepEqual((await call(page)).json.result, sent);
});

inPage("what may be left out is an enum like any other",
  { path: "/console#/perhaps" }, async (page) => {
  const delivery = member(page, "delivery");
  assert.equal(await delivery.locator(".type").first().innerText(), "Delivery or null");
  assert.equal("params" in (await request(page)), false);
  await delivery.getByRole("checkbox", { name: "send" }).check();
  assert.deepEqual((await request(page)).params, { delivery: { type: "pickup" } });
  const reading = member(page, "reading");
  await reading.getByRole("checkbox", { name: "send" }).check();
  await pick(reading, "number");
  await reading.getByRole("textbox").fill("1.5");
  assert.deepEqual((await call(page)).json.result, [{ type: "pickup" }, null, 1.5]);
});

inPage("types that hold nothing are asked for nothing",
  { path: "/console#/nothing" }, async (page) => {
  assert.equal(await page.locator(".members").getByRole("textbox").count(), 0);
  assert.equal(await member(page, "unit").locator(".type").innerText(), "null");
  const sent = [null, null, {}, {}];
  assert.deepEqual(Object.values((await request(page)).params), sent);
  assert.deepEqual((await call(page)).json.result, sent);
});

inPage("a result is one of two", { path: "/console#/outcome" }, async (page) => {
  const outcome = member(page, "outcome");
  assert.deepEqual(await options(outcome), ["Ok", "Err"]);
  await pick(outcome, "Err");
  await outcome.getByRole("textbox").fill("no");
  await sends(page, "outcome", { Err: "no" });
});

inPage("items may each be of another type, or null", { path: "/console#/all" }, async (page) => {
  const values = member(page, "values");
  assert.equal(await values.locator(".type").first().innerText(), "array of Reading or null");
  await values.getByRole("button", { name: "Add an item" }).click();
  await values.getByRole("textbox").fill("warm");
  await values.getByRole("button", { name: "Add an item" }).click();
  await values.getByRole("combobox").nth(1).selectOption("number");
  await values.getByRole("textbox").nth(1).fill("21.5");
  await values.getByRole("button", { name: "Add an item" }).click();
  await values.getByRole("checkbox", { name: "null" }).nth(2).check();
  const sent = { values: ["warm", 21.5, null], object: {} };
  assert.deepEqual((await request(page)).params, sent);
  assert.deepEqual((await call(page)).json.result, Object.values(sent));
});

inPage("a list of itself goes by its name within", { path: "/console#/settle" }, async (page) => {
  const nest = member(page, "nest");
  assert.equal(await nest.locator(".type").first().innerText(), "array of Nest");
  await nest.getByRole("button", { name: "Add an item" }).click();
  await nest.locator(".item").getByRole("button", { name: "Add an item" }).click();
  await sends(page, "nest", [[[]]]);
});

inPage("a member that is deprecated says so", { path: "/console#/visit" }, async (page) => {
  const note = member(page, "note");
  await note.locator('[data-member="colour"]').getByText("deprecated", { exact: true }).waitFor();
  assert.equal(await note.locator(".deprecated").count(), 1);
});
