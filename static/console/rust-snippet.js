// Shows a call as Rust code: with the typed client of the service if it has one, or else with the
// untyped client.

import { resolve } from "./schema.js";
import { rustArgument, rustJson, rustText } from "./rust.js";

/// Maximum length of the line with the call, which is about the width of the view. The arguments of
/// a longer call are written on lines of their own.
const WIDTH = 80;

/// Returns the code, which needs callbox's feature `client`. It never contains the token, but an
/// environment variable in its place.
export function asRust(request, facts) {
  const { method } = facts;
  if (!(method.client && isKnown(method))) {
    return method.subscription ? "// Only typed clients subscribe, and the service has none for this method." : withUntyped(request, facts);
  }
  return (method.subscription ? withSubscription : withTyped)(request, facts);
}

/// Members of a struct that takes the rest are among the parameters, and cannot be distinguished
/// from them.
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

function withSubscription({ params = {} }, { method, ...facts }) {
  const [name, called] = method.client.split("::");
  const args = argumentsOf(method, params);
  const usesJson = args.some((argument) => argument.includes("json!("));
  return [
    "use callbox::client::Client;",
    "use futures::StreamExt;",
    ...(usesJson ? ["use serde_json::json;"] : []),
    "",
    `// ${name} is in the crate of the service.`,
    `let client = ${name}::from(${socketOf(facts)});`,
    callOf(`let mut items = client.${called}`, args),
    "while let Some(item) = items.next().await {",
    "    let item = item?;",
    "}",
  ].join("\n");
}

/// Returns all arguments, as a Rust function has no optional parameters.
function argumentsOf(method, params) {
  const named = method.params.map(({ name, required, schema }) => {
    const value = params[name];
    if (value !== undefined) {
      return rustArgument(value, schema);
    }
    // A required parameter without a value is left to the reader; the snippet compiles anyway.
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

function clientOf({ endpoint, ...token }) {
  const builder = builderOf(endpoint, token);
  return builder ? `${builder}.build()?` : `Client::new(${rustText(endpoint)})?`;
}

/// Returns a client over a WebSocket, which subscriptions need.
function socketOf({ endpoint, ...token }) {
  const url = endpoint.replace(/^http/, "ws");
  const builder = builderOf(url, token);
  return builder ? `${builder}.connect().await?` : `Client::connect(${rustText(url)}).await?`;
}

/// Returns the builder of a client with a token, or `null` if it needs none.
function builderOf(url, { tokenHeader, needsToken }) {
  const isUsual = tokenHeader.toLowerCase() === "x-api-token";
  const header = isUsual ? "" : `.token_header(${rustText(tokenHeader)})`;
  return needsToken ? `Client::builder(${rustText(url)})${header}.token(std::env::var("TOKEN")?)` : null;
}
