// Calls, and the token that goes with them.

import { write } from "./json.js";

/// The server that the page came from. The token is kept here, out of the reach of all else, and nowhere besides.
export class Server {
  #token = "";
  #last = 0;

  constructor({ service, endpoint, dialect, tokenHeader, checksTokens }) {
    this.service = service;
    this.dialect = dialect;
    this.tokenHeader = tokenHeader;
    this.checksTokens = checksTokens === "true";
    // Relative, as the server may be mounted below somebody else's path.
    this.endpoint = new URL(endpoint.replace(/^\//, "./"), document.baseURI).href;
    this.stream = new URL("./console/mailboxes", document.baseURI).href;
  }

  set token(token) {
    this.#token = token;
  }

  get hasToken() {
    return this.#token !== "";
  }

  /// For `fetch`.
  get headers() {
    return this.hasToken ? { [this.tokenHeader]: this.#token } : {};
  }

  /// The request of a call, with the next id.
  request(method, params) {
    this.#last += 1;
    return { jsonrpc: "2.0", method, params, id: this.#last };
  }

  /// Sends a request. An answer of whatever kind is a value; what is thrown is that there was none.
  async send(request) {
    const began = performance.now();
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.headers },
      body: write(request),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    const text = await response.text();
    const ms = performance.now() - began;
    return { status: response.status, statusText: response.statusText, ms, text, ...outcome(text) };
  }

  /// The result of a call, for what the page itself wants to know.
  async call(method) {
    const { error, result, status } = await this.send(this.request(method));
    if (error || result === undefined) {
      throw new Error(error?.message ?? `HTTP ${status}`);
    }
    return result;
  }
}

/// In all dialects: the older ones send both members, one of them null, and one calls the result `response`.
function outcome(text) {
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
  // An error of `null` beside a result of `null` is how those say that there is none.
  const isAnswer = answer !== null && typeof answer === "object" && ["result", "response", "error"].some((name) => name in answer);
  return isAnswer ? { result: result ?? null } : {};
}
