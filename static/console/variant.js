// A field for one of several forms, chosen from a list. The choice sets the tag as well.

import { freshId, make } from "./dom.js";
import { makeField } from "./fields.js";
import { write } from "./json.js";
import { prose } from "./prose.js";
import { choices, groupsOf, itemsOf, onlyValue, resolve, variants } from "./schema.js";

export function variant(schema, context) {
  const { root } = context;
  const all = variants(schema, root);
  const body = make("div", { class: "value" });
  const doc = make("div", { class: "doc" });
  const { id, labelledBy, describedBy } = context;
  const named = { id, "aria-labelledby": labelledBy, "aria-describedby": describedBy };
  const words = ({ name, isDeprecated }) => (isDeprecated ? `${name} (deprecated)` : name);
  const options = all.map((one, index) => make("option", { value: index }, words(one)));
  const picker = make("select", named, options);
  let field;
  const show = () => {
    const chosen = all[picker.value];
    doc.replaceChildren(...(chosen.doc ? [prose(chosen.doc)] : []));
    const inner = { ...context, id: freshId("field"), isNeeded: true };
    field = fixed(chosen.schema, root) ?? makeField(chosen.schema, inner);
    body.replaceChildren(field.node);
    body.hidden = field.node.childNodes.length === 0 && field.node.tagName === "DIV";
  };
  picker.addEventListener("change", () => { show(); context.changed(); });
  show();
  return {
    node: make("div", { class: "nested" }, picker, doc, body),
    input: picker,
    part: (key) => field.part?.(key),
    read: () => field.read(),
    write: (value) => {
      picker.value = String(best(all, value, root));
      show();
      field.write(value);
    },
  };
}

/// A field for a form that has only one value.
function fixed(schema, root) {
  const only = onlyValue(schema, root);
  return only && { node: make("div"), read: () => only.value, write() {} };
}

/// Returns the variant that most likely matches a value.
function best(all, value, root) {
  const fits = all.map(({ schema }) => fit(schema, value, root));
  return fits.indexOf(Math.max(...fits));
}

/// Returns how well a value fits a schema: higher if more members match, and below zero if it does
/// not fit.
function fit(schema, value, root) {
  const here = resolve(schema, root);
  const values = choices(here, root);
  if (values) {
    return values.some((one) => write(one.value) === write(value)) ? 100 : -1;
  }
  const bestOf = (group) => Math.max(...group.map((one) => fit(one, value, root)));
  const groups = groupsOf(here).map(bestOf);
  if (groups.some((group) => group < 0)) {
    return -1;
  }
  const others = groups.reduce((sum, group) => sum + group, 0);
  const types = [here.type ?? (here.properties ? "object" : [])].flat();
  if (types.length === 0) {
    return others;
  }
  const type = typeOf(value);
  if (!types.includes(type) && !(type === "number" && types.includes("integer"))) {
    return -1;
  }
  if (type === "array") {
    return items(here, value, root);
  }
  return type === "object" ? members(here, value, root, others) : 1;
}

function typeOf(value) {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return value === null ? "null" : typeof value;
  }
  if (Array.isArray(value)) {
    return "array";
  }
  // A number that was typed in is an object that keeps its digits.
  return Object.getPrototypeOf(value) === Object.prototype ? "object" : "number";
}

function members({ properties = {}, required = [] }, value, root, others) {
  if (required.some((name) => !Object.hasOwn(value, name))) {
    return -1;
  }
  const there = Object.keys(properties).filter((name) => Object.hasOwn(value, name));
  const fits = there.map((name) => fit(properties[name], value[name], root));
  return fits.some((one) => one < 0) ? -1 : fits.length + others + 1;
}

function items(here, value, root) {
  const { isTuple, items: each } = itemsOf(here);
  if (isTuple && each.length !== value.length) {
    return -1;
  }
  return value.every((item, index) => fit(isTuple ? each[index] : each, item, root) >= 0) ? 2 : -1;
}
