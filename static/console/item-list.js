// The newest items of a subscription.

import { make } from "./dom.js";
import { figures } from "./format.js";
import { SHOWN } from "./tally.js";

/// Number of characters that are shown of one item.
const LONGEST = 2000;

const TIME = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });

export function itemList() {
  const node = make("ol", { class: "stream-list", tabindex: "0", "aria-label": "The newest items" });
  return {
    node,
    clear: () => node.replaceChildren(),
    /// Adds items at the top, of which the last one is number `last`. There are never more than
    /// `SHOWN`.
    add: (items, last) => {
      const rows = items.map((item, index) => row(item, last - (items.length - 1 - index))).reverse();
      if (rows.length >= SHOWN) {
        node.replaceChildren(...rows);
        return;
      }
      node.prepend(...rows);
      while (node.childElementCount > SHOWN) {
        node.lastElementChild.remove();
      }
    },
  };
}

function row({ json, missed, at }, number) {
  const text = json.length > LONGEST ? `${json.slice(0, LONGEST)} … (${figures(json.length)} characters)` : json;
  return make("li", { class: "stream-item" },
    make("span", { class: "stream-number" }, `#${number}`),
    make("time", {}, TIME.format(at)),
    make("code", {}, text),
    missed === 0 ? null : make("span", { class: "stream-gap" }, missed === null ? "some missed before" : `${figures(missed)} missed before`));
}
