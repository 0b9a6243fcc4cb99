// JSON with numbers as they are written: a browser's numbers are exact only up to 2^53, but those
// of a service may be larger.

/// A number as it was written.
export class Digits {
  constructor(text) {
    this.text = text;
  }
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

export function isNumber(text) {
  return NUMBER.test(text);
}

/// As `JSON.stringify`, but writes `Digits` unchanged.
export function write(value, indent = 0, depth = 0) {
  const wrap = (open, items, close) => {
    if (items.length === 0) {
      return open + close;
    }
    if (indent === 0) {
      return open + items.join(",") + close;
    }
    const inner = " ".repeat(indent * (depth + 1));
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${" ".repeat(indent * depth)}${close}`;
  };
  if (value instanceof Digits) {
    return value.text;
  }
  if (Array.isArray(value)) {
    return wrap("[", value.map((item) => write(item, indent, depth + 1)), "]");
  }
  if (value !== null && typeof value === "object") {
    const colon = indent === 0 ? ":" : ": ";
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return wrap("{", members.map(([name, member]) => JSON.stringify(name) + colon + write(member, indent, depth + 1)), "}");
  }
  return JSON.stringify(value);
}

/// As `JSON.parse`, but keeps numbers as they are written.
///
/// A number within a string looks like one outside, so strings are skipped as a whole.
export function read(text) {
  JSON.parse(text);
  const kept = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (part) =>
    part.startsWith('"') ? part : JSON.stringify({ [MARK]: part }));
  return JSON.parse(kept, (_, value) =>
    value !== null && typeof value === "object" && Object.hasOwn(value, MARK) ? new Digits(value[MARK]) : value);
}

// A key that no object of a response has, as it is random for each page.
const MARK = `number-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
