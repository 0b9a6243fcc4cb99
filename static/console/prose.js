// Documentation as its author wrote it, in the small part of Markdown that it is mostly made of.

import { make } from "./dom.js";

/// Paragraphs, lists, code blocks, and `code` within the text.
export function prose(text) {
  const blocks = text.trim().split(/\n{2,}(?![^`]*```(?:[^`]*```[^`]*```)*[^`]*$)/).filter(Boolean);
  return make("div", { class: "prose" }, blocks.map(block));
}

function block(text) {
  if (text.startsWith("```")) {
    return make("pre", { tabindex: "0" }, text.replace(/^```[^\n]*\n?/, "").replace(/\n?```$/, ""));
  }
  if (/^#+ /.test(text)) {
    return make("h3", {}, ...spans(text.replace(/^#+ /, "")));
  }
  const lines = text.split("\n");
  if (/^[-*] /.test(lines[0])) {
    const items = text.split(/^[-*] /m).filter(Boolean);
    return make("ul", {}, items.map((item) => make("li", {}, ...spans(item))));
  }
  return make("p", {}, ...spans(text));
}

function spans(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? make("code", {}, part) : part.replace(/\s+/g, " ")));
}
