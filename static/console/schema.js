// Reads a JSON schema, as far as a form needs it.

/// Maximum number of references to follow, as a schema may refer to itself.
const STEPS = 32;

/// Resolves references, and merges their siblings and the parts of an `allOf` into the result.
export function resolve(schema, root, steps = STEPS) {
  const now = typeof schema === "object" && schema !== null ? schema : {};
  const { $ref, allOf, ...beside } = now;
  if (steps === 0 || ($ref === undefined && allOf === undefined)) {
    return beside;
  }
  const referred = $ref === undefined ? {} : resolve(target($ref, root), root, steps - 1);
  const parts = (allOf ?? []).map((part) => resolve(part, root, steps - 1));
  return [...parts, beside].reduce(merged, referred);
}

/// Merges two schemas: the members of both, and for all other keywords those of the second one.
function merged(one, other) {
  const all = { ...one, ...other };
  if (one.properties && other.properties) {
    all.properties = { ...one.properties, ...other.properties };
  }
  if (one.required && other.required) {
    all.required = [...new Set([...one.required, ...other.required])];
  }
  const groups = [...groupsOf(one), ...groupsOf(other)];
  if (groups.length > 1) {
    delete all.oneOf;
    delete all.anyOf;
    all.groups = groups;
  }
  return all;
}

/// Returns the lists of alternatives in a resolved schema. An object into which two enums are
/// flattened has two.
export function groupsOf(here) {
  return here.groups ?? [here.oneOf, here.anyOf].filter(Boolean);
}

function target(reference, root) {
  if (!reference.startsWith("#")) {
    return {};
  }
  const step = (value, part) => value?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  return decodeURIComponent(reference.slice(1)).split("/").slice(1).reduce(step, root) ?? {};
}

/// Returns the name of the type that a schema refers to, such as "User".
export function nameOf(schema) {
  const reference = schema?.$ref ?? schema?.allOf?.[0]?.$ref;
  return reference ? decodeURIComponent(reference.split("/").at(-1)).replaceAll("~1", "/").replaceAll("~0", "~") : null;
}

/// Returns a schema without its `null`, and whether it had one.
export function withoutNull(schema, root) {
  const here = resolve(schema, root);
  if (Array.isArray(here.type) && here.type.includes("null") && here.type.length > 1) {
    const types = here.type.filter((type) => type !== "null");
    const rest = { ...here, type: types.length === 1 ? types[0] : types };
    if (here.enum) {
      rest.enum = here.enum.filter((value) => value !== null);
    }
    return { schema: rest, nullable: true };
  }
  const any = here.anyOf ?? here.oneOf;
  const others = any?.filter((one) => resolve(one, root).type !== "null");
  if (any && others.length < any.length) {
    const { anyOf, oneOf, ...beside } = here;
    return { schema: others.length === 1 ? { ...beside, ...others[0] } : { ...beside, oneOf: others }, nullable: true };
  }
  return { schema, nullable: false };
}

/// Returns the kind of field that fits a schema.
export function kindOf(schema, root) {
  const here = resolve(schema, root);
  if (here.type === "null" || here.const === null) {
    return "nothing";
  }
  if (here.const !== undefined || here.enum || choices(here, root)) {
    return "choice";
  }
  const groups = groupsOf(here);
  if (groups.length > 0) {
    return groups.length > 1 || here.properties ? "object" : "variant";
  }
  if (Array.isArray(here.type)) {
    return here.type.length === 1 ? kindOf({ ...here, type: here.type[0] }, root) : "variant";
  }
  switch (here.type) {
    case "boolean":
    case "string":
      return here.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return itemsOf(here).isTuple ? "tuple" : "array";
    case "object":
      return here.properties || isClosed(here) ? "object" : "map";
    default:
      return here.properties ? "object" : "json";
  }
}

/// Whether the object has named members only.
function isClosed({ additionalProperties, patternProperties }) {
  return additionalProperties === false && !patternProperties;
}

/// Returns the items of an array: those of a tuple, or the schema of each item. Draft 7 and 2020-12
/// write tuples in different ways.
export function itemsOf({ items, prefixItems }) {
  const tuple = prefixItems ?? (Array.isArray(items) ? items : null);
  return tuple ? { isTuple: true, items: tuple } : { isTuple: false, items: items ?? {} };
}

/// Returns the schema of a map's values. Keys that are not strings in Rust, such as numbers, have a
/// pattern.
export function valuesOf({ additionalProperties, patternProperties }) {
  return additionalProperties || (Object.values(patternProperties ?? {})[0] ?? {});
}

/// Returns the only value that a schema allows, in an object; `null` if there are several.
export function onlyValue(schema, root) {
  const { const: fixed, enum: some } = resolve(schema, root);
  const values = fixed !== undefined ? [fixed] : some ?? [];
  return values.length === 1 ? { value: values[0] } : null;
}

/// Returns the values to choose from, with their descriptions; `null` if the schema is no such
/// enum.
export function choices(schema, root) {
  const here = resolve(schema, root);
  if (here.const !== undefined) {
    return [{ value: here.const, doc: here.description, isDeprecated: here.deprecated === true }];
  }
  if (here.enum) {
    return here.enum.map((value) => ({ value }));
  }
  const groups = groupsOf(here);
  if (groups.length !== 1 || here.properties) {
    return null;
  }
  const each = groups[0].map((one) => {
    const { const: fixed, enum: some, description: doc, deprecated } = resolve(one, root);
    const values = fixed !== undefined ? [fixed] : some;
    return values?.map((value) => ({ value, doc, isDeprecated: deprecated === true }));
  });
  return each.every(Boolean) ? each.flat() : null;
}

/// Returns the alternatives of a schema, each with a name for the list. A plain value is an
/// alternative of its own.
export function variants(schema, root, depth = 0) {
  const here = resolve(schema, root);
  const { description, default: usual, ...rest } = here;
  const all = groupsOf(here)[0] ?? here.type.map((type) => ({ ...rest, type }));
  return all.flatMap((one) => {
    const values = choices(one, root);
    if (values) {
      return values.map(({ value, doc, isDeprecated }) => ({
        name: typeof value === "string" ? value : JSON.stringify(value),
        schema: { const: value },
        doc,
        isDeprecated,
      }));
    }
    const variant = resolve(one, root);
    const { properties = {}, required = [] } = variant;
    const members = Object.keys(properties);
    const fixed = required.map((name) => onlyValue(properties[name], root)?.value);
    const tag = fixed.find((value) => typeof value === "string");
    const reference = one.$ref ? nameOf(one) : null;
    const only = members.length === 1 ? members[0] : null;
    const said = variant.title ?? reference ?? tag ?? nameOf(one) ?? only;
    const name = String(said ?? typeWords(one, root, depth));
    const { description: doc, deprecated } = variant;
    return [{ name, schema: one, doc, isDeprecated: deprecated === true }];
  });
}

/// Returns the type in words: "array of User", "integer, 0 to 255".
export function typeWords(schema, root, depth = 0) {
  // A type may contain itself.
  if (depth > 4) {
    return "…";
  }
  const { schema: rest, nullable } = withoutNull(schema, root);
  const here = resolve(rest, root);
  return `${wordsOf(rest, here, root, depth + 1)}${nullable ? " or null" : ""}`;
}

function wordsOf(rest, here, root, depth) {
  const name = nameOf(rest);
  // A type that contains itself is shown by its name there.
  const isWithin = depth > 1 && name !== null;
  switch (kindOf(rest, root)) {
    case "nothing":
      return "null";
    case "choice":
      return name ?? "one of a few";
    case "array":
      return isWithin ? name : `array of ${typeWords(itemsOf(here).items, root, depth)}${count(here.minItems, here.maxItems, "item")}`;
    case "tuple":
      return `array of ${itemsOf(here).items.length}`;
    case "map":
      return isWithin || isAnything(valuesOf(here))
        ? name ?? "object"
        : `object of ${typeWords(valuesOf(here), root, depth)}`;
    case "number":
      return `${isFloat(here) ? "number" : here.type}${range(here)}`;
    case "string":
      return `string${here.format ? ` (${here.format})` : ""}${depth > 1 ? "" : count(here.minLength, here.maxLength, "character")}`;
    case "boolean":
      return "boolean";
    case "variant":
      return name ?? union(here, root, depth);
    case "json":
      return name ?? "any JSON";
    default:
      return name ?? "object";
  }
}

function isFloat({ format }) {
  return format?.startsWith("float") || format === "double";
}

/// Returns "string or number", or "one of several" for more than three types.
function union(here, root, depth) {
  const words = new Set(variants(here, root, depth).map(({ schema }) => typeWords(schema, root, depth)));
  return words.size > 3 ? "one of several" : [...words].join(" or ");
}

function isAnything(schema) {
  return schema === true || Object.keys(schema).length === 0;
}

/// Returns the limits that the schema names, such as those of a byte: 0 to 255.
function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  const above = exclusiveMinimum === undefined ? "" : `, above ${exclusiveMinimum}`;
  const below = exclusiveMaximum === undefined ? "" : `, below ${exclusiveMaximum}`;
  return `${between(minimum, maximum)}${above}${below}`;
}

function between(min, max) {
  if (min !== undefined && max !== undefined) {
    return `, ${min} to ${max}`;
  }
  return min !== undefined ? `, from ${min}` : max !== undefined ? `, to ${max}` : "";
}

/// Returns how many characters or items there may be: ", 1 to 40 characters".
function count(min, max, what) {
  if (max === undefined) {
    return min ? `, ${min} or more ${what}s` : "";
  }
  const most = `${max} ${max === 1 ? what : `${what}s`}`;
  return min === max ? `, ${most}` : min ? `, ${min} to ${most}` : `, up to ${most}`;
}

/// Returns the attributes of an input for the rules of a text.
export function textRules(schema, root) {
  const { minLength, maxLength, pattern } = resolve(schema, root);
  return { minlength: minLength, maxlength: maxLength, pattern: wholePattern(pattern) };
}

/// Returns the attributes of an input for the rules of a number.
export function numberRules(schema, root) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = resolve(schema, root);
  return { min: minimum ?? exclusiveMinimum, max: maximum ?? exclusiveMaximum };
}

/// Returns a pattern that a whole text matches if a part of it matches this one, as the attribute
/// is about the whole text. Rust has patterns that JavaScript does not know; they are left out.
function wholePattern(pattern) {
  if (pattern === undefined) {
    return null;
  }
  const whole = `[^]*(?:${pattern})[^]*`;
  try {
    return new RegExp(whole, "v") && whole;
  } catch {
    return null;
  }
}
