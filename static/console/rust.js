// Writes values as Rust code.

import { Digits } from "./json.js";

/// Returns a text as a literal. Rust has the same escapes as JSON, except for these.
export function rustText(text) {
  const others = { b: "\\x08", f: "\\x0c" };
  return JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|(.))/g, (whole, digits, letter) =>
    digits ? `\\u{${digits}}` : others[letter] ?? whole);
}

/// Returns a value as the argument of `json!`: JSON with Rust's literals.
export function rustJson(value) {
  if (value instanceof Digits) {
    return /^-?\d+$/.test(value.text) ? wholeNumber(value.text) : value.text;
  }
  if (Array.isArray(value)) {
    return `[${value.map(rustJson).join(", ")}]`;
  }
  if (value !== null && typeof value === "object") {
    const written = ([name, member]) => `${rustText(name)}: ${rustJson(member)}`;
    const members = Object.entries(value).map(written);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return typeof value === "string" ? rustText(value) : String(value);
}

/// A literal without a suffix is an `i32`, which is too small for many numbers. A number that no
/// integer type holds is a float, as in `json!`.
function wholeNumber(text) {
  const number = BigInt(text);
  if (number >= -(2n ** 31n) && number < 2n ** 31n) {
    return text;
  }
  const type = number < 0n ? "i64" : "u64";
  return number >= -(2n ** 63n) && number < 2n ** 64n ? `${text}${type}` : `${text}.0`;
}

/// Smallest and largest value of each integer type that a schema names by its format.
const INTEGERS = Object.fromEntries([8, 16, 32, 64, 128].flatMap((bits) => {
  const [half, all] = [2n ** BigInt(bits - 1), 2n ** BigInt(bits)];
  return [[`int${bits}`, [-half, half - 1n]], [`uint${bits}`, [0n, all - 1n]]];
}));
INTEGERS.int = INTEGERS.int64;
INTEGERS.uint = INTEGERS.uint64;

/// Keywords that do not change the type, so that the schema of a plain type may have them.
const WORDS = new Set([
  "type", "format", "minimum", "maximum",
  "title", "description", "default", "examples", "deprecated",
]);

/// Returns a value as an argument of the type that the schema was made from.
///
/// A value of a plain type is a literal. A schema does not contain the Rust paths of other types,
/// so the code deserialises those with serde, which infers the type from the function.
export function rustArgument(value, schema) {
  return literal(value, schema) ?? `serde_json::from_value(json!(${rustJson(value)}))?`;
}

function literal(value, schema) {
  const here = schema === true ? {} : schema;
  if (!Object.keys(here).every((name) => WORDS.has(name))) {
    // An optional value of another type.
    const isOption = here.anyOf?.some((one) => one.type === "null");
    return isOption && value === null ? "None" : null;
  }
  const types = [here.type].flat();
  const own = types.filter((type) => type !== "null");
  if (own.length !== 1) {
    return null;
  }
  const isOption = own.length < types.length;
  if (isOption && value === null) {
    return "None";
  }
  const plain = plainLiteral(value, { ...here, type: own[0] });
  return isOption && plain !== null ? `Some(${plain})` : plain;
}

function plainLiteral(value, { type, format, minimum, maximum }) {
  switch (type) {
    case "boolean":
      return typeof value === "boolean" ? String(value) : null;
    case "string":
      return typeof value === "string" && format === undefined ? `${rustText(value)}.into()` : null;
    case "integer":
      return integer(value, format, minimum, maximum);
    case "number":
      return format === "float" || format === "double" ? float(value) : null;
    default:
      return null;
  }
}

/// An integer with other limits than those of Rust's own types is a custom type.
function integer(value, format, minimum, maximum) {
  const [least, most] = INTEGERS[format] ?? [];
  const text = numberText(value);
  const isUsual = (limit, own) => limit === undefined || limit === Number(own);
  const isOwn = isUsual(minimum, least) && isUsual(maximum, most);
  if (least === undefined || !isOwn || !/^-?\d+$/.test(text ?? "")) {
    return null;
  }
  const number = BigInt(text);
  return number >= least && number <= most ? text : null;
}

function float(value) {
  const text = numberText(value);
  return text === null ? null : /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value) {
  return value instanceof Digits ? value.text : typeof value === "number" ? String(value) : null;
}
