// A call as other programs would make it. A token is never in it: a name stands where it goes.

import { Digits, write } from "./json.js";

/// Within single quotes the shell takes all but a single quote as it is.
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function asJson(request) {
  return write(request, 2);
}

export function asCurl(request, { endpoint, tokenHeader, needsToken }) {
  const token = needsToken ? ` \\\n  -H "${tokenHeader}: $TOKEN"` : "";
  const url = /^[\w:/.-]+$/.test(endpoint) ? endpoint : quoted(endpoint);
  return `curl -s ${url} \\\n  -H 'content-type: application/json'${token} \\\n  -d ${quoted(write(request))}`;
}

/// With the untyped client, which needs callbox's feature `client`.
export function asRust(request, { endpoint, tokenHeader, needsToken }) {
  const header = tokenHeader.toLowerCase() === "x-api-token" ? "" : `.token_header(${rustText(tokenHeader)})`;
  const client = needsToken
    ? `Client::builder(${rustText(endpoint)})${header}.token(std::env::var("TOKEN")?).build()?`
    : `Client::new(${rustText(endpoint)})?`;
  const params = request.params === undefined ? "()" : `json!(${rustJson(request.params)})`;
  const imports = `use callbox::client::Client;\nuse serde_json::{Value${request.params === undefined ? "" : ", json"}};`;
  return `${imports}\n\nlet client = ${client};\nlet result: Value = client.call(${rustText(request.method)}, ${params}).await?;`;
}

function rustText(text) {
  // JSON's escapes are Rust's, but for these.
  const others = { b: "\\x08", f: "\\x0c" };
  return JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|(.))/g, (whole, digits, letter) =>
    digits ? `\\u{${digits}}` : others[letter] ?? whole);
}

/// What `json!` takes: JSON, with Rust's own texts and numbers.
function rustJson(value) {
  if (value instanceof Digits) {
    // Beyond its range a literal is an i32, which is too small for this one.
    const whole = /^-?\d+$/.test(value.text);
    return whole && Math.abs(Number(value.text)) > 2147483647 ? `${value.text}${value.text.startsWith("-") ? "i64" : "u64"}` : value.text;
  }
  if (Array.isArray(value)) {
    return `[${value.map(rustJson).join(", ")}]`;
  }
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(([name, member]) => `${rustText(name)}: ${rustJson(member)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return typeof value === "string" ? rustText(value) : String(value);
}
