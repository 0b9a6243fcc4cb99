// The server: where it is, the token of the user, and calls by `POST`.

import { write } from "./json.js";

/// The server that the page came from. The token is kept here, in a private field, and nowhere
/// else.
export class Server {
  #token = "";
  #last = 0;

  constructor({ title, endpoint, publicEndpoint, dialect, tokenHeader, checksTokens }) {
    this.title = title;
    this.dialect = dialect;
    this.tokenHeader = tokenHeader;
    this.checksTokens = checksTokens === "true";
    // Relative, as a proxy may serve this server below another path.
    this.endpoint = new URL(endpoint.replace(/^\//, "./"), document.baseURI).href;
    // The one for other clients, in snippets.
    this.publicEndpoint = publicEndpoint || this.endpoint;
    this.socket = new URL("./console/socket", document.baseURI).href.replace(/^http/, "ws");
  }

  set token(token) {
    this.#token = token;
  }

  get token() {
    return this.#token;
  }

  /// Whether the endpoint has subscriptions, reports of progress and cancellation.
  get hasStreams() {
    return this.dialect === "jsonrpc";
  }

  get hasToken() {
    return this.#token !== "";
  }

  /// Returns the headers for `fetch`.
  get #headers() {
    return this.hasToken ? { [this.tokenHeader]: this.#token } : {};
  }

  /// Returns the request of a call, with the next id.
  request(method, params) {
    this.#last += 1;
    return { jsonrpc: "2.0", method, params, id: this.#last };
  }

  /// Sends a request. Any response is a value; an exception means that there was none.
  async send(request) {
    const began = performance.now();
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.#headers },
      body: write(request),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    const text = await response.text();
    const ms = performance.now() - began;
    const over = `HTTP ${response.status} ${response.statusText}`.trim();
    return { over, ms, text, ...outcome(text) };
  }

  /// Returns the result of a call that the page itself makes.
  async call(method) {
    const { error, result, over } = await this.send(this.request(method));
    if (error || result === undefined) {
      throw new Error(error?.message ?? over);
    }
    return result;
  }
}

/// Returns the request with something to say beside its parameters. Positional ones have no place
/// for it.
export function withMeta(request, meta) {
  const { params = {} } = request;
  if (Object.keys(meta).length === 0) {
    return request;
  }
  return Array.isArray(params) ? request : { ...request, params: { ...params, _meta: { ...params._meta, ...meta } } };
}

/// Reads a response in any dialect: the older ones send both members, one of them null, and one
/// names the result `response`.
export function outcome(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    return {};
  }
  if (answer?.error) {
    return { error: answer.error };
  }
  const result = answer?.result ?? answer?.response;
  // In these dialects, an error of `null` beside a result of `null` means success without a result.
  const isAnswer = answer !== null && typeof answer === "object" && ["result", "response", "error"].some((name) => name in answer);
  return isAnswer ? { result: result ?? null } : {};
}
