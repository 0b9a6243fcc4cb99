// The one WebSocket of a page: calls, subscriptions, reports of progress, and cancellation.

import { write } from "./json.js";
import { outcome } from "./rpc.js";

/// The time between two looks at the items that have come, in milliseconds. A list that changes
/// more often cannot be read anyway. The first item after a pause is shown at once.
const TAKE_INTERVAL = 200;

export class Socket {
  #server;
  #worker;
  #epoch = 0;
  #state = "lost";
  #listeners = new Set();
  /// Those who wait for the end of an attempt to connect.
  #waiting = [];
  /// The calls without a reply, by their ids.
  #calls = new Map();
  /// Those who take items, by the ids of their subscriptions.
  #subscriptions = new Map();

  constructor(server) {
    this.#server = server;
    this.#worker = new Worker(new URL("./socket-worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#handle(data);
  }

  /// Calls `listener` with each new state: `connecting`, `open` or `lost`. A connection that is
  /// lost comes back by itself.
  onState(listener) {
    this.#listeners.add(listener);
  }

  /// Connects with the token that the server has now. What is on its way fails.
  connect() {
    this.#epoch += 1;
    this.#drop();
    this.#set("connecting");
    this.#worker.postMessage({ open: this.#server.socket, protocols: protocols(this.#server.token), epoch: this.#epoch });
  }

  /// Waits for the end of an attempt to connect. Returns whether there is a connection.
  async ready() {
    if (this.#state === "connecting") {
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    return this.#state === "open";
  }

  /// Sends a request. Any response is a value; an exception means that the connection was lost.
  ///
  /// `progress` is called with each report about the call. If the call starts a subscription,
  /// `listener` takes what comes for it: `listener.items` a tally, and `listener.end` its end.
  send(request, { progress, listener } = {}) {
    if (this.#state !== "open") {
      return Promise.reject(new Error("There is no connection to the server."));
    }
    this.#worker.postMessage({ send: write(request) });
    return new Promise((resolve, reject) => {
      this.#calls.set(String(request.id), { resolve, reject, progress, listener, began: performance.now() });
    });
  }

  /// Asks for the end of a call, which is still answered.
  cancel(id) {
    this.#worker.postMessage({ send: write({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } }) });
  }

  /// Ends a subscription, of which nothing more comes.
  unsubscribe(subscription, method = "rpc.unsubscribe") {
    if (this.#subscriptions.delete(subscription)) {
      this.send(this.#server.request(method, { subscription })).catch(() => {});
    }
  }

  #handle({ epoch, state, message, items }) {
    if (epoch !== this.#epoch) {
      return;
    }
    if (state) {
      if (state === "lost") {
        this.#drop();
      }
      this.#set(state);
    } else if (message) {
      this.#take(message);
    } else {
      items.forEach(([id, tally]) => this.#subscriptions.get(id)?.items(tally));
      setTimeout(() => requestAnimationFrame(() => this.#worker.postMessage({ take: true })), TAKE_INTERVAL);
    }
  }

  #take(text) {
    const message = JSON.parse(text);
    const { params } = message;
    if (message.method === undefined) {
      this.#reply(String(message.id), text);
    } else if (message.method === "$/progress") {
      this.#calls.get(String(params.token))?.progress?.(params.value);
    } else if (params?.done || params?.error) {
      const listener = this.#subscriptions.get(params.subscription);
      this.#subscriptions.delete(params.subscription);
      listener?.end(params.error ? { error: params.error } : { done: true });
    }
  }

  #reply(id, text) {
    const call = this.#calls.get(id);
    if (!call) {
      return;
    }
    this.#calls.delete(id);
    const answer = { over: "WebSocket", ms: performance.now() - call.began, text, ...outcome(text) };
    // Before anything else is taken: the items come right after this.
    if (call.listener && typeof answer.result === "string") {
      this.#subscriptions.set(answer.result, call.listener);
    }
    call.resolve(answer);
  }

  #set(state) {
    this.#state = state;
    if (state !== "connecting") {
      this.#waiting.splice(0).forEach((resolve) => resolve());
    }
    this.#listeners.forEach((listener) => listener(state));
  }

  #drop() {
    const [calls, subscriptions] = [[...this.#calls.values()], [...this.#subscriptions.values()]];
    this.#calls.clear();
    this.#subscriptions.clear();
    calls.forEach(({ reject }) => reject(new Error("The connection was lost before there was a response.")));
    subscriptions.forEach((listener) => listener.end({ lost: true }));
  }
}

/// Returns the subprotocols to offer. A browser sends no headers with a WebSocket, so the token is
/// one of them, in base64url without padding.
function protocols(token) {
  if (token === "") {
    return ["callbox"];
  }
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  const encoded = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["callbox", `callbox.token.${encoded}`];
}
