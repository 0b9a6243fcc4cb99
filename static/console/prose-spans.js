// Inline Markdown of documentation: code, emphasis and links.

import { make } from "./dom.js";
import { Scan } from "./prose-scan.js";

/// Maximum nesting depth of emphasis and links. Deeper ones are shown as they were written.
const DEEPEST = 8;

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&nbsp;": "\u00a0" };

/// Matches `[name]: target` on a line of its own, which is not shown.
const DEFINITION = /^ {0,3}\[([^\]]+)\]:\s*<?([^\s>]+)>?(?:\s+["'(].*["')])?\s*$/;

/// Matches the path of a Rust item, with an optional mark of its kind: `crate::Order`,
/// `struct@Order`, `Order::total()`.
const PATH = /^(?:\w+@)?(?:[A-Z]\w*|\w+(?:::\w+)+)(?:::\w+)*(?:<[^>]*>)?(?:\(\)|!)?$/;

/// Matches `(target "title")`, where the target may contain parentheses.
const TARGET = /^\(\s*<?((?:[^\s<>()]|\([^\s<>()]*\))*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/;

/// Removes the definitions of link targets from the lines.
export function withDefinitions(lines) {
  const definitions = new Map();
  let isCode = false;
  const kept = lines.filter((line) => {
    isCode = /^ {0,3}(```|~~~)/.test(line) ? !isCode : isCode;
    const found = isCode ? null : DEFINITION.exec(line);
    if (found) {
      definitions.set(label(found[1]), found[2]);
    }
    return !found;
  });
  return { lines: kept, definitions };
}

function label(text) {
  return text.trim().replace(/\s+/g, " ").toLowerCase();
}

/// The reader of each mark returns its nodes and where it ends, or `null` if the mark is a plain
/// character. It gets the scan of the text, the place of the mark, and a function that reads a part
/// of the text.
const READERS = {
  "\\": escaped, "`": code, "<": address, "&": entity, "!": image, "[": link,
  "*": emphasis, _: emphasis, "~": struck, "\n": lineEnd,
};

/// Returns a text as nodes.
export function spans(text, definitions = new Map(), depth = 0) {
  const nodes = [];
  const scan = new Scan(text);
  const inner = (part) => spans(part, definitions, depth + 1);
  let plain = "";
  const flush = () => {
    if (plain !== "") {
      nodes.push(plain);
      plain = "";
    }
  };
  let at = 0;
  while (at < text.length) {
    const reader = depth < DEEPEST ? READERS[text[at]] : undefined;
    const found = reader?.(scan, at, inner, definitions);
    if (found) {
      if (typeof found.node === "string") {
        plain += found.node;
      } else {
        flush();
        nodes.push(...[found.node].flat());
      }
      at = found.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

function escaped({ text }, at) {
  if (text[at + 1] === "\n") {
    return { node: make("br"), end: at + 2 };
  }
  return /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "") ? { node: text[at + 1], end: at + 2 } : null;
}

function code(scan, at) {
  const [run, end] = [scan.run(at), scan.codeEnd(at)];
  if (end < 0) {
    return { node: "`".repeat(run), end: at + run };
  }
  const inner = scan.text.slice(at + run, end).replaceAll("\n", " ");
  const isPadded = /^ .* $/.test(inner) && inner.trim() !== "";
  return { node: make("code", {}, isPadded ? inner.slice(1, -1) : inner), end: end + run };
}

function address({ text }, at) {
  const found = /^<(https?:\/\/[^\s<>]+)>/i.exec(text.slice(at));
  return found && { node: anchor(found[1], [found[1]]), end: at + found[0].length };
}

function entity({ text }, at) {
  const found = /^&[a-z]+;/.exec(text.slice(at, at + 8))?.[0];
  const isKnown = found !== undefined && Object.hasOwn(ENTITIES, found);
  return isKnown ? { node: ENTITIES[found], end: at + found.length } : null;
}

/// An image is shown as its alternative text, as the page loads nothing from other sites.
function image(scan, at) {
  const end = scan.bracketEnd(at + 1);
  const target = end < 0 ? null : TARGET.exec(scan.text.slice(end + 1));
  return target && { node: scan.text.slice(at + 2, end), end: end + 1 + target[0].length };
}

function link(scan, at, inner, definitions) {
  const { text } = scan;
  const end = scan.bracketEnd(at);
  if (end < 0) {
    return null;
  }
  const [words, after] = [text.slice(at + 1, end), text.slice(end + 1)];
  const direct = TARGET.exec(after);
  if (direct) {
    return { node: anchor(direct[1], inner(words)), end: end + 1 + direct[0].length };
  }
  const named = /^\[([^\]]*)\]/.exec(after);
  const target = definitions.get(label(named?.[1] || words));
  if (target !== undefined) {
    return { node: anchor(target, inner(words)), end: end + 1 + (named?.[0].length ?? 0) };
  }
  // A link to an item of the program has no target here.
  const isItem = (name) => /^`[^`]+`$/.test(name) || PATH.test(name);
  if (isItem(named?.[1] || words)) {
    return { node: inner(words), end: end + 1 + (named?.[0].length ?? 0) };
  }
  return null;
}

/// Creates a link if it leads to a web page, or else its text alone. The browser parses the scheme
/// of the target.
function anchor(target, words) {
  const isItem = !/[./?]/.test(target) || PATH.test(target);
  const url = isItem ? null : parsed(target);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return words;
  }
  return make("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, words);
}

function parsed(target) {
  try {
    return new URL(target, document.baseURI);
  } catch {
    return null;
  }
}

/// Reads `*` and `_`, once for emphasis and twice for strong emphasis. `_` has no effect within a
/// word, such as `max_wait`.
function emphasis(scan, at, inner) {
  const { text } = scan;
  const [mark, run] = [text[at], scan.run(at)];
  const width = Math.min(run, 3);
  const isPlain = /\s/.test(text[at + run] ?? " ") || (mark === "_" && isWord(text[at - 1]));
  const end = isPlain ? -1 : scan.emphasisEnd(at + run, mark.repeat(width), isWord);
  if (end < 0) {
    return { node: mark.repeat(run), end: at + run };
  }
  const words = inner(text.slice(at + width, end));
  const tags = [[], ["em"], ["strong"], ["strong", "em"]][width];
  const [node] = tags.reduceRight((nodes, tag) => [make(tag, {}, nodes)], words);
  return { node, end: end + width };
}

function isWord(character) {
  return /[\p{L}\p{N}_]/u.test(character ?? " ");
}

function struck({ text }, at, inner) {
  const found = /^~~(?!\s)([^~]+?)~~/.exec(text.slice(at));
  return found && { node: make("del", {}, inner(found[1])), end: at + found[0].length };
}

/// Two spaces at the end of a line are a line break.
function lineEnd({ text }, at) {
  return { node: text.slice(Math.max(at - 2, 0), at) === "  " ? make("br") : " ", end: at + 1 };
}
