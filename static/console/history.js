// The calls that were made from this page since it was opened.

import { make } from "./dom.js";
import { write } from "./json.js";
import { millis } from "./format.js";

const MOST = 50;

export class History {
  #entries = [];
  #listeners = new Set();

  add(entry) {
    this.#entries = [{ ...entry, at: new Date() }, ...this.#entries].slice(0, MOST);
    this.#listeners.forEach((listener) => listener());
  }

  /// Creates the list of calls, which updates itself. The button of a call passes it to `again`.
  view(again) {
    const list = make("ol", { class: "history-list" });
    const none = make("p", { class: "soft" }, "No calls yet.");
    const draw = () => {
      none.hidden = this.#entries.length > 0;
      list.replaceChildren(...this.#entries.map((entry) => line(entry, again)));
    };
    this.#listeners.add(draw);
    draw();
    return make("div", {}, none, list);
  }
}

function line(entry, again) {
  const { method, params, code, ms, at } = entry;
  const sent = params === undefined ? "" : write(params);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return make("li", {},
    make("button", { type: "button", class: "history-call", "aria-label": `Fill in again: ${method} ${sent}`, onclick: () => again(entry) },
      make("time", { datetime: at.toISOString() }, time),
      make("span", { class: "history-what" }, make("strong", {}, method), ` ${sent}`),
      make("span", { class: code === null ? "outcome good" : "outcome bad" }, code === null ? "ok" : String(code)),
      make("span", { class: "history-ms" }, ms === null ? "" : millis(ms))));
}
