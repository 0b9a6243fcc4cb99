// A subscription: its items as they come, how fast, how many were missed, and how it has ended.

import { make, say, set } from "./dom.js";
import { figures } from "./format.js";
import { itemList } from "./item-list.js";
import { SHOWN } from "./tally.js";

/// The time over which the rate is measured, and between two looks, in milliseconds.
const WINDOW = 2000;
const LOOK_INTERVAL = 500;

/// The items of one method. A new subscription takes the place of the one before.
export class SubscriptionView {
  #socket;
  #unsubscribeName;
  #list = itemList();
  #status = make("p", { class: "stream-status", role: "status" });
  #pause = make("button", { type: "button", class: "quiet small", onclick: () => this.#setPaused(!this.#isPaused) }, "Pause");
  #stop = make("button", { type: "button", class: "quiet small", onclick: () => this.stop() }, "Unsubscribe");
  #values = new Map(["items", "rate", "missed"].map((key) => [key, make("dd", {})]));
  /// The id, or `null` if there is no subscription.
  #id = null;
  #isPaused = false;
  #count = 0;
  #missed = 0;
  #hasUnknown = false;
  /// The newest items that have come during a pause, and the number of all of them.
  #held = [];
  #heldCount = 0;
  /// How many had come at which time.
  #samples = [];
  #timer;

  constructor(socket, { unsubscribe }) {
    this.#socket = socket;
    this.#unsubscribeName = unsubscribe;
    const words = { items: "items", rate: "per second", missed: "missed" };
    this.node = make("section", { class: "card stream", "aria-label": "Items", hidden: true },
      make("div", { class: "card-head" }, make("h2", {}, "Items"), this.#status, this.#pause, this.#stop),
      make("dl", { class: "figures large" }, [...this.#values].map(([key, value]) => make("div", { "data-figure": key }, make("dt", {}, words[key]), value))),
      this.#list.node);
  }

  /// Returns what takes the items of a new subscription, for `Socket.send`.
  listener() {
    const listener = {
      items: (tally) => listener === this.#listener && this.#take(tally),
      end: (end) => listener === this.#listener && this.#end(end),
    };
    this.#listener = listener;
    return listener;
  }

  #listener = null;

  /// Shows a subscription that was started for this listener. It ends at once if there is a newer
  /// one.
  start(id, listener) {
    if (listener !== this.#listener) {
      this.#socket.unsubscribe(id, this.#unsubscribeName);
      return;
    }
    this.#id = id;
    [this.#count, this.#missed, this.#hasUnknown] = [0, 0, false];
    [this.#held, this.#heldCount] = [[], 0];
    this.#samples = [{ at: performance.now(), count: 0 }];
    this.#list.clear();
    set(this.node, { hidden: null });
    this.#stop.hidden = this.#pause.hidden = false;
    this.#setPaused(false);
    this.#figures();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL);
  }

  /// Unsubscribes, if there is a subscription.
  stop() {
    if (this.#id !== null) {
      this.#socket.unsubscribe(this.#id, this.#unsubscribeName);
      this.#end({ unsubscribed: true });
    }
  }

  #take({ count, missed, hasUnknown, newest }) {
    this.#count += count;
    this.#missed += missed;
    this.#hasUnknown ||= hasUnknown;
    if (this.#isPaused) {
      this.#held = [...this.#held, ...newest].slice(-SHOWN);
      this.#heldCount += count;
      this.#tellPause();
    } else {
      this.#list.add(newest, this.#count);
    }
    this.#figures();
  }

  #setPaused(isPaused) {
    this.#isPaused = isPaused;
    say(this.#pause, isPaused ? "Resume" : "Pause");
    if (isPaused) {
      this.#tellPause();
      return;
    }
    this.#list.add(this.#held, this.#count);
    [this.#held, this.#heldCount] = [[], 0];
    if (this.#id !== null) {
      this.#tell("live", [make("span", { class: "outcome good" }, "subscribed")]);
    }
  }

  #tellPause() {
    // Announced once: the number is no part of what a screen reader reads again and again.
    if (this.#status.dataset.word !== "paused") {
      this.#tell("paused", [make("span", { class: "outcome" }, "paused"), make("span", { class: "soft", "aria-hidden": "true" })]);
    }
    say(this.#status.lastElementChild, `${figures(this.#heldCount)} more since`);
  }

  #end(end) {
    this.#listener = null;
    this.#id = null;
    clearInterval(this.#timer);
    // Whoever has paused wants to see the last items, too.
    this.#setPaused(false);
    this.#stop.hidden = this.#pause.hidden = true;
    this.#samples = [];
    this.#figures();
    this.#tell("ended", endWords(end));
  }

  #tell(word, nodes) {
    this.#status.dataset.word = word;
    set(this.node, { "data-state": word });
    this.#status.replaceChildren(...nodes);
  }

  #look() {
    const now = performance.now();
    this.#samples.push({ at: now, count: this.#count });
    while (now - this.#samples[0].at > WINDOW + LOOK_INTERVAL / 2) {
      this.#samples.shift();
    }
    this.#figures();
  }

  #figures() {
    const [first, last] = [this.#samples.at(0), this.#samples.at(-1)];
    const rate = last && last.at > first.at ? (1000 * (last.count - first.count)) / (last.at - first.at) : null;
    say(this.#values.get("items"), figures(this.#count));
    say(this.#values.get("rate"), rate === null ? "–" : figures(rate));
    const missed = figures(this.#missed);
    say(this.#values.get("missed"), !this.#hasUnknown ? missed : this.#missed > 0 ? `${missed} and more` : "unknown");
    this.#values.get("missed").parentElement.classList.toggle("warned", this.#missed > 0 || this.#hasUnknown);
  }
}

function endWords({ done, error, unsubscribed }) {
  if (unsubscribed) {
    return [make("span", { class: "outcome" }, "unsubscribed")];
  }
  if (done) {
    return [make("span", { class: "outcome good" }, "ended"), make("span", {}, "That was the last item.")];
  }
  if (error) {
    return [make("span", { class: "outcome bad" }, String(error.code)), make("span", {}, error.message ?? "")];
  }
  return [make("span", { class: "outcome bad" }, "ended"), make("span", {}, "The connection was lost.")];
}
