// A call as a Rust program makes it: with the typed client of the service if it has one, else with
// the untyped client.

import { resolve } from "./schema.js";
import { rustArgument, rustJson, rustText } from "./rust.js";

/// Maximum length of the line with the call, which is about what there is room for. The arguments
/// of a longer one stand below each other.
const WIDTH = 80;

/// Needs callbox's feature `client`. A token is never in it: a variable stands where it goes.
export function asRust(request, facts) {
  const typed = facts.method.client && isKnown(facts.method) ? withTyped : withUntyped;
  return typed(request, facts);
}

/// Members of a struct that takes the rest stand among the parameters, and nothing says which they
/// are.
function isKnown({ paramStructure }) {
  return paramStructure !== "by-name";
}

function withTyped({ params = {} }, { method, root, ...facts }) {
  const [name, called] = method.client.split("::");
  const args = argumentsOf(method, params);
  const usesJson = args.some((argument) => argument.includes("json!("));
  const isNothing = resolve(method.result?.schema, root).type === "null";
  const begin = `${isNothing ? "" : "let result = "}client.${called}`;
  return [
    "use callbox::client::Client;",
    ...(usesJson ? ["use serde_json::json;"] : []),
    "",
    `// ${name} is in the crate of the service.`,
    `let client = ${name}::from(${clientOf(facts)});`,
    callOf(begin, args),
  ].join("\n");
}

/// All of them: a function of Rust has no parameters that can be left out.
function argumentsOf(method, params) {
  const named = method.params.map(({ name, required, schema }) => {
    const value = params[name];
    if (value !== undefined) {
      return rustArgument(value, schema);
    }
    return required ? `todo!(${rustText(name)})` : rustArgument(schema.default ?? null, schema);
  });
  if (!method.rest) {
    return named;
  }
  const names = method.params.map(({ name }) => name);
  const rest = Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)));
  return [...named, rustArgument(rest, method.rest)];
}

function callOf(called, args) {
  const line = `${called}(${args.join(", ")}).await?;`;
  const lines = args.map((argument) => `    ${argument},\n`);
  return line.length <= WIDTH ? line : `${called}(\n${lines.join("")}).await?;`;
}

function withUntyped(request, facts) {
  const params = request.params === undefined ? "()" : `json!(${rustJson(request.params)})`;
  return [
    "use callbox::client::Client;",
    `use serde_json::${request.params === undefined ? "Value" : "{Value, json}"};`,
    "",
    `let client = ${clientOf(facts)};`,
    `let result: Value = client.call(${rustText(request.method)}, ${params}).await?;`,
  ].join("\n");
}

function clientOf({ endpoint, tokenHeader, needsToken }) {
  const isUsual = tokenHeader.toLowerCase() === "x-api-token";
  const header = isUsual ? "" : `.token_header(${rustText(tokenHeader)})`;
  return needsToken
    ? `Client::builder(${rustText(endpoint)})${header}.token(std::env::var("TOKEN")?).build()?`
    : `Client::new(${rustText(endpoint)})?`;
}
