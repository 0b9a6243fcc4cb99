// An endpoint that speaks one of the two older dialects.

import assert from "node:assert/strict";

import { call, choose, inPage, member } from "./browser.mjs";

inPage("answers and errors are understood", {}, async (page) => {
  await choose(page, "kitchen.season");
  await member(page, "amount").getByRole("textbox").fill("5");
  const { status, json } = await call(page);
  assert.match(status, /^\s*(✓ )?ok/);
  assert.equal(json.result ?? json.response, '5 g of "salt" in 2 spoons, None');
  await member(page, "amount").getByRole("textbox").fill("256");
  assert.match((await call(page)).status, /-32602 Invalid params/);
  await member(page, "amount").getByText("expected an integer from 0 to 255").waitFor();
});
