// Shows documentation: the blocks of Markdown that doc comments consist of.
//
// All of it becomes elements and text, so markup in a doc comment is shown and never interpreted.

import { make } from "./dom.js";
import { spans, withDefinitions } from "./prose-spans.js";

/// Maximum nesting depth of lists and quotes. Deeper ones are shown as plain paragraphs.
const DEEPEST = 8;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)(.*)$/;
const QUOTE = /^ {0,3}> ?/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/// Returns the whole text of a doc comment, as blocks.
export function prose(text, attributes = {}) {
  const { lines, definitions } = withDefinitions(text.replace(/\r\n?/g, "\n").split("\n"));
  return make("div", { class: "prose", ...attributes }, blocks(lines, { definitions, depth: 0 }));
}

/// Returns a short text without its marks, for places with room for one line of text.
export function plain(text) {
  return make("span", {}, spans(text)).textContent;
}

/// Each reader removes its block from the start of the lines, or returns `null` if they start with
/// another kind of block.
const READERS = [fence, heading, rule, quote, list, indented, table];

function blocks(lines, context) {
  const found = [];
  let rest = lines;
  while (rest.length > 0) {
    if (rest[0].trim() === "") {
      rest = rest.slice(1);
      continue;
    }
    const readers = context.depth < DEEPEST ? READERS : [];
    const [node, after] = firstOf(readers, rest, context) ?? paragraph(rest, context);
    found.push(node);
    rest = after;
  }
  return found;
}

function firstOf(readers, lines, context) {
  for (const reader of readers) {
    const read = reader(lines, context);
    if (read) {
      return read;
    }
  }
  return null;
}

function fence(lines) {
  const opening = FENCE.exec(lines[0]);
  if (!opening) {
    return null;
  }
  const [, marks, language] = opening;
  const isOnly = (line) => line.replaceAll(marks[0], "") === "";
  const closes = (line) => line.trim().startsWith(marks) && isOnly(line.trim());
  const end = lines.findIndex((line, index) => index > 0 && closes(line));
  const body = lines.slice(1, end < 0 ? lines.length : end);
  return [code(isRust(language) ? shownRust(body) : body), end < 0 ? [] : lines.slice(end + 1)];
}

function code(lines) {
  return make("pre", { tabindex: "0" }, make("code", {}, lines.join("\n")));
}

/// As in rustdoc, a block is Rust unless another language is named.
function isRust(language) {
  const attributes = ["rust", "ignore", "no_run", "should_panic", "compile_fail"];
  const words = language.split(/[\s,]+/).filter(Boolean);
  return words.every((word) => attributes.includes(word) || word.startsWith("edition"));
}

/// As in rustdoc, lines of an example that begin with `# ` are hidden, and `##` is shown as `#`.
function shownRust(lines) {
  const shown = lines.filter((line) => !/^\s*#( |$)/.test(line));
  return shown.map((line) => line.replace(/^(\s*)##/, "$1#"));
}

function heading(lines, context) {
  const found = HEADING.exec(lines[0]);
  return found && [title(found[1].length, found[2] ?? "", context), lines.slice(1)];
}

/// Headings start at the third level, as the page itself has the first two.
function title(level, text, { definitions }) {
  return make(`h${Math.min(level + 2, 6)}`, {}, spans(text, definitions));
}

function rule(lines) {
  return RULE.test(lines[0]) ? [make("hr"), lines.slice(1)] : null;
}

function quote(lines, context) {
  if (!QUOTE.test(lines[0])) {
    return null;
  }
  const [own, rest] = span(lines, (line) => QUOTE.test(line));
  const inner = own.map((line) => line.replace(QUOTE, ""));
  return [make("blockquote", {}, blocks(inner, deeper(context))), rest];
}

function list(lines, context) {
  const first = ITEM.exec(lines[0]);
  if (!first || RULE.test(lines[0])) {
    return null;
  }
  const isOrdered = /\d/.test(first[2]);
  const continues = (line) => {
    const next = RULE.test(line) ? null : ITEM.exec(line);
    return next !== null && /\d/.test(next[2]) === isOrdered;
  };
  const items = [];
  let rest = lines;
  while (rest.length > 0 && continues(rest[0])) {
    const [item, after] = itemOf(rest);
    items.push(item);
    const next = after.findIndex((line) => line.trim() !== "");
    // Blank lines between two items do not end the list.
    rest = next > 0 && continues(after[next]) ? after.slice(next) : after;
  }
  const start = isOrdered ? Number.parseInt(first[2], 10) : null;
  const nodes = items.map((item) => make("li", {}, itemContent(blocks(item, deeper(context)))));
  return [make(isOrdered ? "ol" : "ul", { start }, nodes), rest];
}

/// Returns the lines of one item without their indentation, and the rest.
function itemOf(lines) {
  const [, indent, mark, gap, text] = ITEM.exec(lines[0]);
  const width = indent.length + mark.length + (gap.length > 4 || gap === "" ? 1 : gap.length);
  const indented = (line) => line.startsWith(" ".repeat(width));
  let end = 1;
  while (end < lines.length) {
    const line = lines[end];
    const isBlank = line.trim() === "";
    // A text may continue without indentation, but not after a blank line.
    const isText = !isBlank && !startsBlock(line) && !ITEM.test(line);
    const isLazy = isText && lines[end - 1].trim() !== "";
    const goesOn = isBlank ? lines.slice(end).find((later) => later.trim() !== "") : line;
    if (!isLazy && !(goesOn !== undefined && indented(goesOn))) {
      break;
    }
    end += 1;
  }
  const shifted = (line) => (indented(line) ? line.slice(width) : line.trimStart());
  return [[text, ...lines.slice(1, end).map(shifted)], lines.slice(end)];
}

/// An item with a single paragraph is its text, without the space around a paragraph.
function itemContent(nodes) {
  const [first, ...others] = nodes;
  return first?.tagName === "P" ? [...first.childNodes, ...others] : nodes;
}

function indented(lines) {
  if (!/^( {4}|\t)/.test(lines[0])) {
    return null;
  }
  const [own, rest] = span(lines, (line) => /^( {4}|\t)/.test(line) || line.trim() === "");
  const text = own.map((line) => line.replace(/^( {4}|\t)/, "")).join("\n");
  return [code(text.trimEnd().split("\n")), rest];
}

function table(lines, { definitions }) {
  if (lines.length < 2 || !lines[0].includes("|") || !TABLE_RULE.test(lines[1])) {
    return null;
  }
  const names = cells(lines[0]);
  if (cells(lines[1]).length !== names.length) {
    return null;
  }
  const [own, rest] = span(lines.slice(2), (line) => line.includes("|"));
  const cell = (tag, text = "") => make(tag, {}, spans(text, definitions));
  const row = (tag, texts) => make("tr", {}, names.map((_, index) => cell(tag, texts[index])));
  const head = make("thead", {}, row("th", names));
  const body = make("tbody", {}, own.map((line) => row("td", cells(line))));
  return [make("div", { class: "table", tabindex: "0" }, make("table", {}, head, body)), rest];
}

/// A bar within code or after a backslash does not separate cells.
function cells(line) {
  const row = line.trim().replace(/^\||(?<!\\)\|$/g, "");
  const parts = row.match(/(?:`[^`]*`|\\.|[^|])+|(?<=\||^)(?=\||$)/g) ?? [];
  return parts.map((part) => part.trim().replaceAll("\\|", "|"));
}

function paragraph(lines, { definitions, depth }) {
  let end = 1;
  const goesOn = (line) => line.trim() !== "" && (depth >= DEEPEST || !startsBlock(line));
  while (end < lines.length && goesOn(lines[end])) {
    const underline = /^ {0,3}(=+|-+)\s*$/.exec(lines[end]);
    if (underline) {
      const level = underline[1].startsWith("=") ? 1 : 2;
      return [title(level, lines.slice(0, end).join("\n"), { definitions }), lines.slice(end + 1)];
    }
    end += 1;
  }
  const text = lines.slice(0, end).map((line) => line.trimStart()).join("\n");
  return [make("p", {}, spans(text, definitions)), lines.slice(end)];
}

/// Whether a line ends the paragraph before it. Three dashes below a text make it a heading.
function startsBlock(line) {
  const isItem = ITEM.test(line) && !/^ {0,3}\d/.test(line) && !/^ {0,3}[-*+]\s*$/.test(line);
  const isRule = RULE.test(line) && !/^ {0,3}-+\s*$/.test(line);
  const others = [/^ {0,3}1[.)] /, FENCE, HEADING, QUOTE];
  return isItem || isRule || others.some((other) => other.test(line));
}

function span(lines, belongs) {
  const end = lines.findIndex((line) => !belongs(line));
  return end < 0 ? [lines, []] : [lines.slice(0, end), lines.slice(end)];
}

function deeper(context) {
  return { ...context, depth: context.depth + 1 };
}
