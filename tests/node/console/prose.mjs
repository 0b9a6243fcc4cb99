// Documentation: the Markdown of doc comments, as elements and as nothing else.

import assert from "node:assert/strict";

import { inPage, member } from "./browser.mjs";
import { faint, overflowing } from "./looks.mjs";

const path = "/console#/document";
const texts = (locator) => locator.allInnerTexts();

inPage("emphasis and code are marked, and names keep their underscores", { path }, async (page) => {
  const first = page.locator(".prose > p").first();
  assert.deepEqual(await texts(first.locator("strong")), ["strong"]);
  assert.deepEqual(await texts(first.locator("em")), ["soft"]);
  assert.deepEqual(await texts(first.locator("code")), ["max_wait"]);
  assert.equal(await first.innerText(),
    "Documents itself, with strong words and soft ones, max_wait and snake_case_names.");
});

inPage("links lead to pages, and those to items of the program are their words",
  { path }, async (page) => {
  const links = page.locator(".prose a");
  const found = await links.evaluateAll((all) =>
    all.map((one) => [one.textContent, one.getAttribute("href"), one.target, one.rel]));
  const nearby = new URL("../docs", page.url()).href;
  assert.deepEqual(found, [
    ["the guide", "https://example.org/a_b_c", "_blank", "noopener noreferrer"],
    ["nearby", nearby, "_blank", "noopener noreferrer"],
  ]);
  const second = page.locator(".prose > p").nth(1);
  assert.deepEqual(await texts(second.locator("code")), ["Delivery", "values[0]"]);
  assert.match(await second.innerText(),
    /^See Delivery, the command, Figure, the guide, nearby and a trap/);
  assert.match(await second.innerText(),
    /or another\. An array is values\[0\], a footnote \[1\]\.$/);
  assert.ok(!(await page.locator(".prose").first().innerText()).includes("crate::"),
    "no path is left over");
});

inPage("lists have their items, one within another", { path }, async (page) => {
  const list = page.locator(".prose > ol");
  assert.deepEqual(await list.locator("> li").allInnerTexts(),
    ["first", "second, which goes on\nwithin"]);
  assert.deepEqual(await texts(list.locator("ul > li")), ["within"]);
  assert.equal(await list.evaluate((one) => getComputedStyle(one).listStyleType), "decimal");
});

inPage("a table has its cells", { path }, async (page) => {
  assert.deepEqual(await texts(page.locator(".prose th")), ["size", "price"]);
  assert.deepEqual(await texts(page.locator(".prose td")), ["a|b", "2"]);
});

inPage("an example is code, without what rustdoc hides", { path }, async (page) => {
  assert.equal(await page.locator(".prose pre").textContent(), "let order = 1;\n\nplace(order);");
});

inPage("sections have headings below those of the page", { path }, async (page) => {
  assert.deepEqual(await texts(page.locator(".prose h3")), ["Errors"]);
  assert.deepEqual(await texts(page.locator(".prose > ul > li")), ["404: nobody is called <b>"]);
});

inPage("markup is text", { path }, async (page) => {
  assert.equal(await page.locator(".prose blockquote").innerText(), "<img src=x onerror=alert(1)>");
  assert.equal(await page.locator(".prose img, .prose script").count(), 0);
});

inPage("parameters and summaries are read in the same way", { path }, async (page) => {
  const doc = member(page, "amount").locator(".doc");
  assert.equal(await doc.innerText(), "How much, see Size.");
  assert.deepEqual(await texts(doc.locator("strong")), ["much"]);
  const described = await page.getByLabel("amount").getAttribute("aria-describedby");
  assert.ok(described.split(" ").includes(await doc.getAttribute("id")),
    "a screen reader reads it with the field");
  const summary = page.locator('[data-method="document"] .summary');
  assert.equal(await summary.innerText(),
    "Documents itself, with strong words and soft ones, max_wait and snake_case_names.");
});

// A time that grows with the square of the length would be minutes here, and what is there takes a
// second.
inPage("whatever is written is shown, however long it is", { path, timeout: 120_000 }, async (page) => {
  const interpreted = await page.evaluate(async () => {
    const { prose } = await import(new URL("./console/prose.js", document.baseURI).href);
    const marks = [
      "*", "_", "`", "[", "](", "~~", "<", "&", "!", "\\", "> ", "- ", "1. ", "|", "# ", "```\n",
      "*a _b ", "[a](b", "![", "[a] ", "`a ``b ", "***a __b **c ", "\n", "    ",
    ];
    const around = (mark) => [mark, mark.repeat(30_000), `a${mark}b`, `${mark}\n${mark}`];
    const hasMarkup = (text) => prose(text).querySelector("script, img") !== null;
    return marks.flatMap(around).filter(hasMarkup).map((text) => text.slice(0, 20));
  });
  assert.deepEqual(interpreted, []);
  const links = await page.evaluate(async () => {
    const { prose } = await import(new URL("./console/prose.js", document.baseURI).href);
    const targets = [
      "javascript:alert(1)", "JavaScript:alert(1)", "\u0001javascript:alert(1)", "javascript:x/",
      "java&#115;cript:x/", "data:text/html,x/", "vbscript:x/", "file:///etc/passwd",
      "blob:https://a/b", "mailto:a@b.c", "crate::Order", "Order", "struct@Order", "#errors",
    ];
    const text = (target) => `[a](${target}) <${target}> [b]\n\n[b]: ${target}`;
    const found = targets.flatMap((target) => [...prose(text(target)).querySelectorAll("a")]);
    return found.map((link) => link.href);
  });
  assert.deepEqual(links.filter((link) => !/^https?:/.test(link)), []);
});

for (const [colorScheme, width] of [["light", 1440], ["dark", 360]]) {
  inPage(`it can be read in the ${colorScheme} theme at a width of ${width}`,
    { path, colorScheme, viewport: { width, height: 800 } }, async (page) => {
    assert.deepEqual(await page.evaluate(faint), []);
    assert.deepEqual(await page.evaluate(overflowing), []);
  });
}
