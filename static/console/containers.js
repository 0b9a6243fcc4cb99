// Fields of several values: objects, arrays, maps, and enums with data.

import { freshId, make } from "./dom.js";
import { makeField, smallButton } from "./fields.js";
import { members, properties } from "./members.js";
import { resolve, typeWords, variants } from "./schema.js";
import { write } from "./json.js";

export function object(schema, context) {
  const all = members(properties(schema, context.root), context);
  return { ...all, node: make("div", { class: "nested" }, all.node) };
}

/// Items that can be added and removed.
export function list(schema, context) {
  const { items, minItems = 0 } = resolve(schema, context.root);
  const what = typeWords(items ?? {}, context.root);
  const rows = make("div", { class: "items" });
  const add = smallButton(`Add an item: ${what}`, () => { append().input?.focus(); context.changed(); }, "+");
  add.append(` ${what}`);
  let fields = [];

  const append = () => {
    const label = freshId("item");
    const field = makeField(items ?? {}, { ...context, id: freshId("field"), labelledBy: label, isNeeded: true });
    const number = make("span", { class: "item-number", id: label });
    const remove = smallButton("Remove this item", () => {
      fields = fields.filter((one) => one !== field);
      field.row.remove();
      count();
      add.focus();
      context.changed();
    }, "×");
    field.row = make("div", { class: "item" }, number, make("div", { class: "value" }, field.node), remove);
    field.number = number;
    fields.push(field);
    rows.append(field.row);
    count();
    return field;
  };
  const count = () => fields.forEach((field, index) => { field.number.textContent = String(index + 1); });

  Array.from({ length: minItems }, append);
  return {
    node: make("div", { class: "nested" }, rows, add),
    input: add,
    read: () => fields.map((field) => field.read() ?? null),
    write: (values) => {
      fields = [];
      rows.replaceChildren();
      (Array.isArray(values) ? values : []).forEach((value) => append().write(value));
    },
  };
}

/// So many items, each of its own type.
export function tuple(schema, context) {
  const { items } = resolve(schema, context.root);
  const fields = items.map((item) => {
    const label = freshId("item");
    return { label, ...makeField(item, { ...context, id: freshId("field"), labelledBy: label, isNeeded: true }) };
  });
  const rows = fields.map((field, index) => make("div", { class: "item" },
    make("span", { class: "item-number", id: field.label }, String(index + 1)),
    make("div", { class: "value" }, field.node, make("span", { class: "type" }, typeWords(items[index], context.root)))));
  return {
    node: make("div", { class: "nested items" }, rows),
    input: fields[0]?.input,
    read: () => fields.map((field) => field.read() ?? null),
    write: (values) => fields.forEach((field, index) => field.write(values?.[index] ?? null)),
  };
}

/// Names of the caller's own, all with values of one type.
export function map(schema, context) {
  const { additionalProperties: values } = resolve(schema, context.root);
  const rows = make("div", { class: "items" });
  const add = smallButton("Add a member", () => { append().name.focus(); context.changed(); }, "+");
  add.append(" member");
  let entries = [];

  const append = () => {
    const label = freshId("item");
    const name = make("input", { type: "text", "aria-label": "name", placeholder: "name", oninput: context.changed });
    const field = makeField(values, { ...context, id: freshId("field"), labelledBy: label, isNeeded: true });
    const entry = { name, field };
    const remove = smallButton("Remove this member", () => {
      entries = entries.filter((one) => one !== entry);
      entry.row.remove();
      add.focus();
      context.changed();
    }, "×");
    entry.row = make("div", { class: "item" }, name, make("span", { class: "hidden", id: label }, "value"),
      make("div", { class: "value" }, field.node), remove);
    entries.push(entry);
    rows.append(entry.row);
    return entry;
  };

  return {
    node: make("div", { class: "nested" }, rows, add),
    input: add,
    read: () => Object.fromEntries(entries.map(({ name, field }) => [name.value, field.read() ?? null])),
    write: (object) => {
      entries = [];
      rows.replaceChildren();
      Object.entries(object ?? {}).forEach(([name, value]) => {
        const entry = append();
        entry.name.value = name;
        entry.field.write(value);
      });
    },
  };
}

/// One of several forms. A member that says which is filled in by itself.
export function variant(schema, context) {
  const all = variants(schema, context.root);
  const body = make("div", { class: "value" });
  const doc = make("p", { class: "doc" });
  const picker = make("select", { id: context.id, "aria-labelledby": context.labelledBy, "aria-describedby": context.describedBy },
    all.map(({ name }, index) => make("option", { value: index }, name)));
  let field;
  const show = () => {
    const chosen = all[picker.value];
    doc.textContent = chosen.doc ?? "";
    field = makeField(chosen.schema, { ...context, id: freshId("field"), isNeeded: true });
    body.replaceChildren(field.node);
  };
  picker.addEventListener("change", () => { show(); context.changed(); });
  show();
  return {
    node: make("div", { class: "nested" }, picker, doc, body),
    input: picker,
    read: () => field.read(),
    write: (value) => {
      picker.value = String(best(all, value, context.root));
      show();
      field.write(value);
    },
  };
}

/// The variant that a value was most likely made by: the one whose members and constants it has.
function best(all, value, root) {
  const fit = ({ schema }) => {
    const here = resolve(schema, root);
    if (here.const !== undefined || here.enum) {
      return (here.enum ?? [here.const]).some((one) => write(one) === write(value)) ? 100 : -1;
    }
    if (here.type === "object" || here.properties) {
      if (value === null || typeof value !== "object" || Array.isArray(value)) {
        return -1;
      }
      const wrong = (here.required ?? []).some((name) => !(name in value));
      const tags = Object.entries(here.properties ?? {}).filter(([, one]) => resolve(one, root).const !== undefined);
      const other = tags.some(([name, one]) => write(resolve(one, root).const) !== write(value[name] ?? null));
      return wrong || other ? -1 : Object.keys(here.properties ?? {}).filter((name) => name in value).length;
    }
    const type = Array.isArray(value) ? "array" : typeof value === "object" ? "number" : typeof value;
    return here.type === type || (here.type === "integer" && type === "number") ? 1 : 0;
  };
  const fits = all.map(fit);
  return fits.indexOf(Math.max(...fits));
}
