// Named members: the parameters of a method, or the members of an object. Each has a label, a type,
// a description and a place for an error.

import { freshId, make, set } from "./dom.js";
import { makeField, NoValue } from "./fields.js";
import { prose } from "./prose.js";
import { kindOf, resolve, typeWords, withoutNull } from "./schema.js";

/// Fields that take much room, and so are hidden until the user opens them.
const LARGE = new Set(["array", "map", "object", "tuple", "variant", "json"]);

/// Creates members from `{ name, schema, required, description }`. `read()` returns an object, and
/// `row(name)` finds a member.
export function members(described, context) {
  const rows = described.map((member) => new Row(member, context));
  return {
    node: make("div", { class: "members" }, rows.map((row) => row.node)),
    input: rows[0]?.input,
    row: (name) => rows.find((row) => row.name === name),
    part: (name) => rows.find((row) => row.name === name),
    read: () => {
      const values = rows.map((row) => [row.name, row.read()]);
      return Object.fromEntries(values.filter(([, value]) => value !== undefined));
    },
    write: (object) => rows.forEach((row) => row.write(object?.[row.name])),
    clear: () => rows.forEach((row) => row.complain(null)),
  };
}

/// Returns the properties of an object's schema as members.
export function properties(schema, root) {
  const { properties: all = {}, required = [] } = resolve(schema, root);
  // Required members come in the order of their declaration.
  const names = [...required.filter((name) => name in all), ...Object.keys(all).filter((name) => !required.includes(name))];
  return names.map((name) => {
    const { description } = resolve(all[name], root);
    return { name, schema: all[name], required: required.includes(name), description };
  });
}

class Row {
  #field;
  #send = null;
  #error;

  constructor({ name, schema, required, description }, context) {
    this.name = name;
    const [id, labelId, docId, errorId] = ["field", "label", "doc", "error"].map(freshId);
    const isLarge = LARGE.has(kindOf(withoutNull(schema, context.root).schema, context.root));
    const changed = () => {
      if (this.#send && !this.#send.checked) {
        this.#include(true);
      }
      this.complain(null);
      context.changed();
    };
    const described = [description ? docId : null, errorId].filter(Boolean).join(" ");
    this.#field = makeField(schema, {
      ...context, changed, id, labelledBy: labelId, describedBy: described, isNeeded: required,
    });
    this.#error = make("p", { class: "error", id: errorId });
    const head = [
      make("label", { id: labelId, for: this.#field.input?.id === id ? id : null }, name),
      make("span", { class: "type" }, typeWords(schema, context.root)),
      resolve(schema, context.root).deprecated === true ? make("span", { class: "deprecated" }, "deprecated") : null,
    ];
    if (required) {
      head.push(make("span", { class: "needed" }, "required"));
    } else {
      const sendId = freshId("send");
      this.#send = make("input", { id: sendId, type: "checkbox", "aria-describedby": labelId });
      this.#send.addEventListener("change", () => {
        this.#include(this.#send.checked);
        context.changed();
      });
      head.push(make("span", { class: "send" }, this.#send, make("label", { for: sendId }, "send")));
    }
    const body = make("div", { class: "value" }, this.#field.node);
    this.node = make("div", { class: "member", "data-member": name, role: isLarge ? "group" : null, "aria-labelledby": isLarge ? labelId : null },
      make("div", { class: "member-head" }, head),
      description ? make("div", { class: "doc", id: docId }, prose(description)) : null,
      body,
      this.#error);
    this.hides = isLarge && !required ? body : null;
    if (this.#send) {
      this.#include(false);
    }
  }

  get input() {
    return this.#field.input;
  }

  /// Returns the place of a part of the value: see `blame`.
  part(key) {
    return this.#field.part?.(key);
  }

  #include(sent) {
    this.#send.checked = sent;
    this.node.classList.toggle("left-out", !sent);
    if (this.hides) {
      set(this.hides, { hidden: !sent });
    }
  }

  read() {
    if (this.#send && !this.#send.checked) {
      return undefined;
    }
    try {
      const value = this.#field.read();
      // The box is ticked but the field is empty. For a text that is a value; for all other types
      // the user can only mean `null`.
      return value === undefined && this.#send ? null : value;
    } catch (error) {
      if (error instanceof NoValue) {
        this.complain(error.message);
      }
      throw error;
    }
  }

  write(value) {
    if (this.#send) {
      this.#include(value !== undefined);
    }
    if (value !== undefined && (value !== null || !this.#send)) {
      this.#field.write(value);
    }
  }

  /// Shows an error of the value, or removes it for `null`.
  complain(text) {
    this.#error.textContent = text ?? "";
    this.node.classList.toggle("wrong", text !== null);
    if (this.input) {
      set(this.input, { "aria-invalid": text === null ? null : "true" });
    }
  }
}
