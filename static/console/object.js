// A field for an object: its members, the enums that are flattened into it, and further names that
// the user types.

import { map } from "./containers.js";
import { freshId, make } from "./dom.js";
import { members, properties } from "./members.js";
import { groupsOf, onlyValue, resolve } from "./schema.js";
import { variant } from "./variant.js";

/// Maximum nesting depth of enums for which the names of all members are collected.
const DEEPEST = 8;

/// Creates the field for an object.
///
/// A member with only one possible value gets it without a field: the tag of a variant is set by
/// the choice of the variant.
export function object(schema, context) {
  const { root } = context;
  const here = resolve(schema, root);
  const isFixed = ({ required, schema: one }) => required && onlyValue(one, root);
  const [fixed, asked] = split(properties(here, root), isFixed);
  const entries = fixed.map(({ name, schema: one }) => [name, onlyValue(one, root).value]);
  const tags = Object.fromEntries(entries);
  const named = members(asked, context);
  const choices = groupsOf(here).map((group) => flattened(group, context));
  const more = hasMore(here) ? map(here, { ...context, id: null }) : null;
  const parts = [asked.length > 0 ? named : null, ...choices, more].filter(Boolean);
  const isNothing = parts.length === 0 && fixed.length === 0;
  return {
    ...named,
    node: isNothing
      ? make("span", { class: "soft" }, "nothing to fill in")
      : make("div", { class: parts.length > 0 ? "nested" : null }, parts.map((part) => part.node)),
    input: parts[0]?.input,
    part: (name) => [named, ...choices, more].map((one) => one?.part?.(name)).find(Boolean),
    // Names that the user types never replace members of the type.
    read: () => {
      const chosen = choices.map((choice) => choice.read());
      return Object.assign({}, more?.read(), tags, named.read(), ...chosen);
    },
    write: (value) => {
      named.write(value);
      choices.forEach((choice) => choice.write(value));
      more?.write(without(value, memberNames(here, root)));
    },
  };
}

/// Creates a member for a flattened enum, named after its tag, as it has no name of its own.
function flattened(group, context) {
  const tag = tagOf(group, context.root);
  const [id, label] = [freshId("field"), freshId("label")];
  if (tag === null) {
    return variant({ oneOf: group }, { ...context, id });
  }
  const field = variant({ oneOf: group }, { ...context, id, labelledBy: label });
  const head = make("div", { class: "member-head" }, make("label", { id: label, for: id }, tag));
  return { ...field, node: make("div", {}, head, field.node) };
}

/// Returns the member that distinguishes the variants: all of them have it, each with another
/// value.
function tagOf(group, root) {
  const tags = group.map((one) => {
    const { properties: all = {}, required = [] } = resolve(one, root);
    return required.filter((name) => onlyValue(all[name], root));
  });
  return tags[0]?.find((name) => tags.every((names) => names.includes(name))) ?? null;
}

function split(items, belongs) {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

/// Whether the object may have members other than the named ones.
function hasMore({ additionalProperties }) {
  return Boolean(additionalProperties);
}

/// Returns the names of the members in all forms of an object.
function memberNames(schema, root, depth = 0) {
  const here = resolve(schema, root);
  const others = depth < DEEPEST ? groupsOf(here).flat() : [];
  const names = others.flatMap((one) => memberNames(one, root, depth + 1));
  return [...Object.keys(here.properties ?? {}), ...names];
}

function without(value, names) {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !names.includes(name)));
}
