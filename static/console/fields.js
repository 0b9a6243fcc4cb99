// Form fields, one for each kind of value that a schema can ask for.
//
// A field has a `node`, an `input` to focus, `read()`, which returns its value or `undefined` for
// none, and `write(value)`. One with parts has `part(key)`, the place of an error in that part.

import { list, map, tuple } from "./containers.js";
import { freshId, icon, make, set } from "./dom.js";
import { Digits, isNumber, read, write } from "./json.js";
import { object } from "./object.js";
import { prose } from "./prose.js";
import { choices, kindOf, numberRules, resolve, textRules, typeWords, withoutNull } from "./schema.js";
import { variant } from "./variant.js";

/// Maximum nesting depth of fields, since a type may contain itself.
const DEEPEST = 8;

const KINDS = { boolean, choice, json, nothing, number, string, array: list, map, object, tuple, variant };

/// The error of a field whose input is not a value, with the input element to focus.
export class NoValue extends Error {
  constructor(message, input) {
    super(message);
    this.input = input;
  }
}

/// Creates the field for a schema. `context` has the document's `root`, the depth of the field, the
/// callback `changed`, the ids of its label and its description, and whether a value `isNeeded`.
export function makeField(schema, context) {
  const { schema: rest, nullable } = withoutNull(schema, context.root);
  const kind = context.depth >= DEEPEST ? "json" : kindOf(rest, context.root);
  const field = KINDS[kind](rest, { ...context, depth: context.depth + 1 });
  return nullable && context.isNeeded ? orNull(field, context) : field;
}

/// Returns the attributes that link an input to its label and its description.
function named({ id, labelledBy, describedBy }) {
  return { id, "aria-labelledby": labelledBy, "aria-describedby": describedBy };
}

function textInput(context, attributes) {
  const more = { type: "text", autocomplete: "off", spellcheck: "false", oninput: context.changed };
  return make("input", { ...named(context), ...more, ...attributes });
}

function hint(schema, root) {
  const { default: usual, examples } = resolve(schema, root);
  if (usual !== undefined && usual !== null) {
    return `default: ${write(usual)}`;
  }
  return examples?.length ? `such as ${write(examples[0])}` : null;
}

function string(schema, context) {
  const input = textInput(context, { placeholder: hint(schema, context.root), ...textRules(schema, context.root) });
  return {
    node: input,
    input,
    read: () => (input.value === "" && !context.isNeeded ? undefined : input.value),
    write: (value) => { input.value = typeof value === "string" ? value : write(value); },
  };
}

/// A field for numbers, which are sent digit for digit. Input that is not a number is sent as text,
/// as the server explains best what it expects.
function number(schema, context) {
  const rules = numberRules(schema, context.root);
  const input = textInput(context, { inputmode: "decimal", class: "number", placeholder: hint(schema, context.root), ...rules });
  return {
    node: input,
    input,
    read: () => {
      const text = input.value.trim();
      return text === "" ? undefined : isNumber(text) ? new Digits(text) : text;
    },
    write: (value) => { input.value = typeof value === "string" ? value : write(value); },
  };
}

function boolean(schema, context) {
  const input = make("input", { ...named(context), type: "checkbox", onchange: context.changed });
  const word = make("span", { class: "soft", "aria-hidden": "true" });
  const show = () => { word.textContent = String(input.checked); };
  input.addEventListener("change", show);
  input.checked = resolve(schema, context.root).default === true;
  show();
  return {
    node: make("div", { class: "check" }, input, word),
    input,
    read: () => input.checked,
    write: (value) => { input.checked = value === true; show(); },
  };
}

/// A field for a type whose only value is `null`, such as `()` in Rust.
function nothing() {
  return { node: make("span", { class: "soft" }, "nothing to fill in"), read: () => null, write() {} };
}

function choice(schema, context) {
  const options = choices(schema, context.root);
  const usual = resolve(schema, context.root).default;
  const doc = make("div", { class: "doc" });
  const word = (value) => (typeof value === "string" ? value : write(value));
  const shown = ({ value, isDeprecated }) => (isDeprecated ? `${word(value)} (deprecated)` : word(value));
  const input = make("select", { ...named(context), onchange: context.changed },
    options.map((option, index) => make("option", { value: index, selected: option.value === usual }, shown(option))));
  const explain = () => {
    const text = options[input.value]?.doc;
    doc.replaceChildren(...(text ? [prose(text)] : []));
  };
  input.addEventListener("change", explain);
  explain();
  return {
    node: make("div", {}, input, doc),
    input,
    read: () => options[input.value]?.value,
    write: (value) => {
      const found = options.findIndex((option) => write(option.value) === write(value));
      input.value = String(Math.max(found, 0));
      explain();
    },
  };
}

/// A field for any JSON value, for schemas that no other field fits.
export function json(schema, context) {
  const words = typeWords(schema, context.root);
  const input = make("textarea", {
    ...named(context), rows: 3, spellcheck: "false", class: "code", oninput: context.changed,
    placeholder: words === "any JSON" ? "any JSON" : `${words}, as JSON`,
  });
  return {
    node: input,
    input,
    read: () => {
      if (input.value.trim() === "") {
        return undefined;
      }
      try {
        return read(input.value);
      } catch (error) {
        throw new NoValue(`This is not JSON: ${error.message}`, input);
      }
    },
    write: (value) => { input.value = write(value, 2); },
  };
}

/// A field that can also be `null`.
function orNull(field, context) {
  const id = freshId("null");
  const box = make("input", { id, type: "checkbox", "aria-describedby": context.labelledBy });
  const show = () => set(field.node, { hidden: box.checked });
  box.addEventListener("change", () => { show(); context.changed(); });
  return {
    node: make("div", { class: "or-null" }, field.node, make("div", { class: "check" }, box, make("label", { for: id }, "null"))),
    input: field.input,
    part: (key) => field.part?.(key),
    read: () => (box.checked ? null : field.read()),
    write: (value) => {
      box.checked = value === null;
      show();
      if (value !== null) {
        field.write(value);
      }
    },
  };
}

/// Creates a button with an icon or a word. `name` is its accessible name.
export function smallButton(name, onclick, text = name) {
  return make("button", { type: "button", class: "quiet small", "aria-label": name, onclick }, text === "+" ? icon("plus") : text);
}
