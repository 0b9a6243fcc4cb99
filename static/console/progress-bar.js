// The bar that shows how far a call is.

import { make, say, set } from "./dom.js";
import { figures } from "./format.js";

export function progressBar() {
  const bar = make("progress", { "aria-label": "Progress" });
  const words = make("span", { class: "progress-words" });
  const node = make("div", { class: "progress", hidden: true }, bar, words);
  return {
    node,
    hide: () => set(node, { hidden: true }),
    /// Shows a report. Without a total nobody knows how much is left.
    show: ({ done, total, message }) => {
      const isKnown = typeof total === "number" && total > 0;
      set(bar, isKnown ? { max: total, value: Math.min(done, total) } : { value: null, max: null });
      const steps = isKnown ? `${figures(done)} of ${figures(total)}` : figures(done);
      say(words, message ? `${steps} · ${message}` : steps);
      set(node, { hidden: null });
    },
  };
}
