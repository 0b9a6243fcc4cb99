// JSON-RPC 2.0 over one WebSocket: calls, and subscriptions that continue after a reconnect.

/** Pause before the first attempt to connect again, in milliseconds. It doubles with each. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/** The code of an error that says: the service stops or restarts, so try again. */
const UNAVAILABLE = -32003;

export class Connection {
  #url;
  #onState;
  #socket = null;
  #pause = FIRST_PAUSE;
  #lastId = 0;
  /** The calls without a reply, by their ids. */
  #calls = new Map();
  /** All subscriptions of the page. */
  #subscriptions = new Set();
  /** Those that the server has started, by the ids that it gave them. */
  #started = new Map();

  /** `onState` gets "connecting", "live" or "lost". */
  constructor(url, onState = () => {}) {
    this.#url = url;
    this.#onState = onState;
    this.#open();
  }

  /** Calls a method. Throws an Error with the message, `code` and `data` of the response. */
  call(method, params = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Error("There is no connection to the server"));
        return;
      }
      const id = ++this.#lastId;
      this.#calls.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", method, params, id }));
    });
  }

  /** Subscribes, and continues behind the last item whenever the connection is back. `onItem` gets
   * each item, and what was missed before it: a number, null if nobody knows, or undefined if
   * nothing was. */
  subscribe(method, params, onItem) {
    const subscription = { method, params, onItem, after: null };
    this.#subscriptions.add(subscription);
    if (this.#socket.readyState === WebSocket.OPEN) this.#start(subscription);
  }

  #open() {
    this.#onState("connecting");
    this.#socket = new WebSocket(this.#url, "callbox");
    this.#socket.onopen = () => {
      this.#pause = FIRST_PAUSE;
      this.#onState("live");
      this.#subscriptions.forEach((subscription) => this.#start(subscription));
    };
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#socket.onclose = () => {
      this.#onState("lost");
      this.#started.clear();
      this.#calls.forEach(({ reject }) => reject(new Error("The connection was lost")));
      this.#calls.clear();
      setTimeout(() => this.#open(), this.#pause);
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    };
  }

  async #start(subscription) {
    const { method, params, after } = subscription;
    // The server sends what was missed since this position first, as far as it still has it.
    const resumed = after === null ? params : { ...params, _meta: { after } };
    try {
      // The items come after the reply with the id.
      this.#started.set(await this.call(method, resumed), subscription);
    } catch (error) {
      this.#ended(subscription, error);
    }
  }

  #take(message) {
    if ("id" in message) {
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error) {
        call?.reject(Object.assign(new Error(message.error.message), message.error));
      } else {
        call?.resolve(message.result);
      }
      return;
    }
    const { subscription: id, result, cursor, lagged, error, done } = message.params;
    const subscription = this.#started.get(id);
    if (!subscription) return;
    if (cursor !== undefined) subscription.after = cursor;
    if (error || done) {
      this.#started.delete(id);
      this.#ended(subscription, error);
    } else if (result !== undefined) {
      subscription.onItem(result, lagged);
    }
  }

  #ended(subscription, error) {
    if (error?.code === UNAVAILABLE) {
      setTimeout(() => {
        if (this.#socket.readyState === WebSocket.OPEN) this.#start(subscription);
      }, FIRST_PAUSE);
    } else if (this.#socket.readyState === WebSocket.OPEN) {
      this.#subscriptions.delete(subscription);
      console.error("a subscription has ended", subscription.method, error);
    }
  }
}
