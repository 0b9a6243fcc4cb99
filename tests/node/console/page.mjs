// The page itself: both themes, the keyboard alone, narrow windows, and no name that is missing.

import assert from "node:assert/strict";

import { answer, choose, enterToken, inPage, member, request } from "./browser.mjs";
import { faint, overflowing } from "./looks.mjs";

for (const colorScheme of ["light", "dark"]) {
  inPage(`everything can be read in the ${colorScheme} theme`, { colorScheme, reducedMotion: "reduce" }, async (page) => {
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = paper.match(/\d+/g).map(Number).every((part) => part < 64);
    assert.equal(dark, colorScheme === "dark", paper);
    await enterToken(page);
    await page.locator(".row").first().waitFor();
    await choose(page, "kitchen.season");
    await member(page, "amount").getByRole("textbox").fill("300");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.locator(".member.wrong").waitFor();
    assert.deepEqual(await page.evaluate(faint), []);
    for (const name of ["kitchen.order", "kitchen.clear"]) {
      await choose(page, name);
      assert.deepEqual(await page.evaluate(faint), []);
    }
  });
}

for (const [width, height] of [[1440, 900], [1024, 768], [768, 1024], [360, 640]]) {
  inPage(`nothing sticks out of a window of ${width} by ${height}`, { viewport: { width, height } }, async (page) => {
    await enterToken(page);
    await page.locator(".row").first().waitFor();
    assert.deepEqual(await page.evaluate(overflowing), []);
    await page.evaluate(() => { location.hash = "#/kitchen.order"; });
    await page.locator("h1", { hasText: "order" }).waitFor();
    await page.locator('[data-member="notes"]').getByRole("button").first().click();
    assert.deepEqual(await page.evaluate(overflowing), []);
  });
}

inPage("in a narrow window the methods are behind a button", { viewport: { width: 360, height: 640 } }, async (page) => {
  const menu = page.getByRole("button", { name: "Methods" });
  const list = page.getByRole("navigation", { name: "Methods" });
  assert.equal(await list.isVisible(), false);
  await menu.click();
  assert.equal(await menu.getAttribute("aria-expanded"), "true");
  await choose(page, "kitchen.echo");
  assert.equal(await list.isVisible(), false);
});

inPage("the keyboard is enough to find a method, fill it in and call it", {}, async (page) => {
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("data-method") || document.activeElement.tagName);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the method");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "method");
  await page.keyboard.press("/");
  assert.equal(await focused(), "search");
  await page.keyboard.type("seas");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), "kitchen.season");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "season" }).waitFor();
  // On from the list into the form, and the first field in it.
  let steps = 0;
  while (!(await member(page, "amount").getByRole("textbox").evaluate((input) => input === document.activeElement))) {
    await page.keyboard.press("Tab");
    steps += 1;
    assert.ok(steps < 10, "the field is not far from its method");
  }
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "the focus is to be seen");
  await page.keyboard.type("6");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Control+Enter");
  const { json } = await answer(page);
  assert.match(json.result, /^6 g of /);
  assert.ok(!json.result.includes("salt"), json.result);
});

inPage("a server that does not tell its methods at first is asked again", {}, async (page) => {
  let asked = 0;
  await page.route("**/api", async (route) => {
    const asks = route.request().postDataJSON().method === "rpc.discover";
    asked += asks ? 1 : 0;
    await (asks && asked === 1 ? route.fulfill({ contentType: "application/json", body: "{}" }) : route.continue());
  });
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(asked, 2);
});

inPage("tabs are walked with the arrows", { path: "/console#/kitchen.echo" }, async (page) => {
  await page.getByRole("tab", { name: "JSON" }).focus();
  assert.equal((await request(page)).method, "kitchen.echo");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { name: "curl" }).getAttribute("aria-selected"), "true");
  assert.match(await page.getByRole("tabpanel").textContent(), /^curl -s/);
  await page.keyboard.press("ArrowLeft");
});

inPage("everything that can be used has a name", { path: "/console#/kitchen.order" }, async (page) => {
  await enterToken(page);
  await page.locator(".row").first().waitFor();
  for (const button of await page.getByRole("button", { name: /^Add/ }).all()) {
    await button.click();
  }
  const nameless = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea, button, a[href], [role=group]")]
    .filter((element) => element.checkVisibility())
    .filter((element) => {
      const byId = (element.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("");
      const labels = [...(element.labels ?? [])].map((label) => label.textContent).join("");
      return !(element.getAttribute("aria-label") || byId || labels || element.textContent.trim());
    })
    .map((element) => element.outerHTML.slice(0, 120)));
  assert.deepEqual(nameless, []);
  const ids = await page.evaluate(() => [...document.querySelectorAll("[id]")].map((element) => element.id));
  assert.equal(new Set(ids).size, ids.length, "no id is there twice");
  for (const landmark of ["banner", "navigation", "main", "complementary"]) {
    assert.equal(await page.getByRole(landmark).count(), 1, landmark);
  }
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
});
