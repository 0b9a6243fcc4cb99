// Fields for arrays, tuples and maps.

import { freshId, make, set } from "./dom.js";
import { makeField, smallButton } from "./fields.js";
import { itemsOf, resolve, typeWords, valuesOf } from "./schema.js";

/// A field for an array, whose items can be added and removed.
export function list(schema, context) {
  const here = resolve(schema, context.root);
  const { minItems = 0, maxItems = Infinity } = here;
  const { items } = itemsOf(here);
  const what = typeWords(items, context.root);
  const rows = make("div", { class: "items" });
  const add = smallButton(`Add an item: ${what}`, () => { append().input?.focus(); context.changed(); }, "+");
  add.append(` ${what}`);
  let fields = [];

  const append = () => {
    const label = freshId("item");
    const field = item(items, context, label);
    const number = make("span", { class: "item-number", id: label });
    const remove = smallButton("Remove this item", () => {
      fields = fields.filter((one) => one !== field);
      field.row.remove();
      count();
      add.focus();
      context.changed();
    }, "×");
    field.row = make("div", { class: "item" }, number, make("div", { class: "value" }, field.node, field.error), remove);
    Object.assign(field, { number, remove });
    fields.push(field);
    rows.append(field.row);
    count();
    return field;
  };
  const count = () => {
    fields.forEach((field, index) => {
      field.number.textContent = String(index + 1);
      field.remove.hidden = fields.length <= minItems;
    });
    add.hidden = fields.length >= maxItems;
  };

  Array.from({ length: minItems }, append);
  return {
    node: make("div", { class: "nested" }, rows, add),
    input: minItems > 0 ? fields[0].input : add,
    part: (index) => fields[index]?.place,
    read: () => fields.map((field) => field.read() ?? null),
    write: (values) => {
      fields = [];
      rows.replaceChildren();
      (Array.isArray(values) ? values : []).forEach((value) => append().write(value));
    },
  };
}

/// A field for a tuple: a fixed number of items, each with its own type.
export function tuple(schema, context) {
  const { items } = itemsOf(resolve(schema, context.root));
  const fields = items.map((one) => {
    const label = freshId("item");
    return { label, ...item(one, context, label) };
  });
  const rows = fields.map((field, index) => make("div", { class: "item" },
    make("span", { class: "item-number", id: field.label }, String(index + 1)),
    make("div", { class: "value" }, field.node, make("span", { class: "type" }, typeWords(items[index], context.root)), field.error)));
  return {
    node: make("div", { class: "nested items" }, rows),
    input: fields[0]?.input,
    part: (index) => fields[index]?.place,
    read: () => fields.map((field) => field.read() ?? null),
    write: (values) => fields.forEach((field, index) => field.write(values?.[index] ?? null)),
  };
}

/// A field for a map: names that the user types, with values of one type.
export function map(schema, context) {
  const values = valuesOf(resolve(schema, context.root));
  const rows = make("div", { class: "items" });
  const add = smallButton("Add a member", () => { append().name.focus(); context.changed(); }, "+");
  add.append(" member");
  let entries = [];

  const append = () => {
    const label = freshId("item");
    const name = make("input", { type: "text", "aria-label": "name", placeholder: "name", oninput: context.changed });
    const field = item(values, context, label);
    const entry = { name, field };
    const remove = smallButton("Remove this member", () => {
      entries = entries.filter((one) => one !== entry);
      entry.row.remove();
      add.focus();
      context.changed();
    }, "×");
    entry.row = make("div", { class: "item" }, name, make("span", { class: "hidden", id: label }, "value"),
      make("div", { class: "value" }, field.node, field.error), remove);
    entries.push(entry);
    rows.append(entry.row);
    return entry;
  };

  return {
    node: make("div", { class: "nested" }, rows, add),
    input: add,
    part: (key) => entries.find(({ name }) => name.value === String(key))?.field.place,
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

/// Creates the field for one item, with a place for its error.
function item(schema, context, labelledBy) {
  const error = make("p", { class: "error", id: freshId("error") });
  const changed = () => { place.complain(null); context.changed(); };
  const field = makeField(schema, { ...context, changed, id: freshId("field"), labelledBy, describedBy: error.id, isNeeded: true });
  const place = {
    input: field.input,
    part: (key) => field.part?.(key),
    complain: (text) => {
      error.textContent = text ?? "";
      error.closest(".item")?.classList.toggle("wrong", text !== null);
      if (field.input) {
        set(field.input, { "aria-invalid": text === null ? null : "true" });
      }
    },
  };
  return Object.assign(field, { error, place });
}
