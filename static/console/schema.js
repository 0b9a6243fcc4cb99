// What a JSON schema asks for, as far as a form has to know.

/// Maximum number of references to follow, as a schema may refer to itself.
const STEPS = 32;

/// Follows references, and merges what stands beside them, and the parts of an `allOf`, with what
/// they lead to.
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

/// Both at once: the members of both, and of all else what the second one says.
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

/// The lists of alternatives in a resolved schema. An object into which two enums are flattened has
/// two.
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

/// The name of the type that a schema refers to, for a word like "User".
export function nameOf(schema) {
  const reference = schema?.$ref ?? schema?.allOf?.[0]?.$ref;
  return reference ? decodeURIComponent(reference.split("/").at(-1)).replaceAll("~1", "/").replaceAll("~0", "~") : null;
}

/// A schema without its `null`, and whether it had one.
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

/// Which kind of field a schema wants.
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

/// Whether there are no members but those that have names.
function isClosed({ additionalProperties, patternProperties }) {
  return additionalProperties === false && !patternProperties;
}

/// The items of an array: those of a tuple, or what each of them is. Draft 7 and 2020-12 write a
/// tuple in different ways.
export function itemsOf({ items, prefixItems }) {
  const tuple = prefixItems ?? (Array.isArray(items) ? items : null);
  return tuple ? { isTuple: true, items: tuple } : { isTuple: false, items: items ?? {} };
}

/// What the values of a map are. Keys that are no texts in Rust, such as numbers, have a pattern.
export function valuesOf({ additionalProperties, patternProperties }) {
  return additionalProperties || (Object.values(patternProperties ?? {})[0] ?? {});
}

/// The only value that a schema allows, in an object; `null` if there are several.
export function onlyValue(schema, root) {
  const { const: fixed, enum: some } = resolve(schema, root);
  const values = fixed !== undefined ? [fixed] : some ?? [];
  return values.length === 1 ? { value: values[0] } : null;
}

/// The values to choose from, with what is said of each; `null` if a schema is not of this kind.
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

/// The alternatives of a schema, each with a name for the list. A value that stands for itself is
/// one of its own.
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

/// The type in words: "array of User", "integer, 0 to 255".
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
  // What contains itself goes by its name there.
  const isWithin = depth > 1 && name !== null;
  switch (kindOf(rest, root)) {
    case "nothing":
      return "null";
    case "choice":
      return name ?? "one of a few";
    case "array":
      return isWithin ? name : `array of ${typeWords(itemsOf(here).items, root, depth)}`;
    case "tuple":
      return `array of ${itemsOf(here).items.length}`;
    case "map":
      return isWithin || isAnything(valuesOf(here))
        ? name ?? "object"
        : `object of ${typeWords(valuesOf(here), root, depth)}`;
    case "number":
      return `${isFloat(here) ? "number" : here.type}${range(here)}`;
    case "string":
      return `string${here.format ? ` (${here.format})` : ""}`;
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

/// "string or number", for as many as one wants to read.
function union(here, root, depth) {
  const words = new Set(variants(here, root, depth).map(({ schema }) => typeWords(schema, root, depth)));
  return words.size > 3 ? "one of several" : [...words].join(" or ");
}

function isAnything(schema) {
  return schema === true || Object.keys(schema).length === 0;
}

// What Rust's own types hold is no news to anybody, but that a byte ends at 255 is.
function range({ minimum, maximum }) {
  if (minimum !== undefined && maximum !== undefined) {
    return `, ${minimum} to ${maximum}`;
  }
  return minimum !== undefined ? `, from ${minimum}` : maximum !== undefined ? `, to ${maximum}` : "";
}
