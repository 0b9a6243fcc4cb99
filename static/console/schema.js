// What a JSON schema asks for, as far as a form has to know.

/// Follows references, and lays what stands beside them over what they lead to.
export function resolve(schema, root) {
  let now = typeof schema === "object" && schema !== null ? schema : {};
  for (let steps = 0; steps < 32; steps += 1) {
    const { $ref, allOf, ...beside } = now;
    if ($ref !== undefined) {
      now = { ...target($ref, root), ...beside };
    } else if (allOf?.length === 1) {
      now = { ...allOf[0], ...beside };
    } else {
      return now;
    }
  }
  return {};
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
  if (Array.isArray(here.type) && here.type.includes("null")) {
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
  if (here.const !== undefined || here.enum || choices(here, root)) {
    return "choice";
  }
  if (here.oneOf || here.anyOf) {
    return "variant";
  }
  switch (here.type) {
    case "boolean":
    case "string":
      return here.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return Array.isArray(here.items) ? "tuple" : "array";
    case "object":
      return here.properties ? "object" : here.additionalProperties ? "map" : "json";
    default:
      return here.properties ? "object" : "json";
  }
}

/// The values to choose from, with what is said of each; `null` if a schema is not of this kind.
export function choices(schema, root) {
  const here = resolve(schema, root);
  if (here.const !== undefined) {
    return [{ value: here.const, doc: here.description }];
  }
  if (here.enum) {
    return here.enum.map((value) => ({ value }));
  }
  const any = here.oneOf ?? here.anyOf;
  const each = any?.map((one) => {
    const { const: fixed, enum: some, description } = resolve(one, root);
    return fixed !== undefined ? [{ value: fixed, doc: description }] : some?.map((value) => ({ value, doc: description }));
  });
  return each?.every(Boolean) ? each.flat() : null;
}

/// The variants of an enum with data, each with a name for the list.
export function variants(schema, root) {
  const here = resolve(schema, root);
  return (here.oneOf ?? here.anyOf).map((one, index) => {
    const variant = resolve(one, root);
    const members = Object.entries(variant.properties ?? {});
    const tags = members.map(([, member]) => resolve(member, root)).map((member) => member.const ?? member.enum?.[0]);
    const tag = tags.find((value) => typeof value === "string");
    const only = members.length === 1 ? members[0][0] : null;
    const word = variant.const ?? (variant.enum?.length === 1 ? variant.enum[0] : null);
    const name = variant.title ?? nameOf(one) ?? word ?? tag ?? only ?? typeWords(one, root) ?? `variant ${index + 1}`;
    return { name: String(name), schema: one, doc: variant.description };
  });
}

/// The type in words: "array of User", "integer, 0 to 255".
export function typeWords(schema, root) {
  const { schema: rest, nullable } = withoutNull(schema, root);
  const here = resolve(rest, root);
  const or = nullable ? " or null" : "";
  const name = nameOf(rest);
  switch (kindOf(rest, root)) {
    case "choice":
      return `${name ?? "one of a few"}${or}`;
    case "array":
      return `array of ${typeWords(here.items ?? {}, root)}${or}`;
    case "tuple":
      return `array of ${here.items.length}${or}`;
    case "map":
      return `object of ${typeWords(here.additionalProperties, root)}${or}`;
    case "number":
      return `${here.format?.startsWith("float") || here.format === "double" ? "number" : here.type}${range(here)}${or}`;
    case "string":
      return `string${here.format ? ` (${here.format})` : ""}${or}`;
    case "boolean":
      return `boolean${or}`;
    case "json":
      return name ?? here.type ?? "any JSON";
    default:
      return `${name ?? here.type ?? "object"}${or}`;
  }
}

// What Rust's own types hold is no news to anybody, but that a byte ends at 255 is.
function range({ minimum, maximum }) {
  if (minimum !== undefined && maximum !== undefined) {
    return `, ${minimum} to ${maximum}`;
  }
  return minimum !== undefined ? `, from ${minimum}` : maximum !== undefined ? `, to ${maximum}` : "";
}
